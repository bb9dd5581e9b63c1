"""The connection to object storage: timeouts and retries, and what of the environment says where an address leads."""

import functools
import os
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_WHERE = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT", "AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_USE_EMULATOR"),
}
"""Variables that decide, with the address, which storage is meant."""
_WHO = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_ACCOUNT_KEY")


def storage_of(address: str) -> tuple[str, ...]:
    """What says which storage is meant: the address, and the endpoint or account that the environment names for it."""
    names = _WHERE.get(urlsplit(address).scheme, ())
    return (address, *(f"{name}={os.environ[name]}" for name in names if os.environ.get(name)))


def client(address: str) -> "ObjectStore":
    """The client for an address, opened once per process, and anew where the environment leads elsewhere."""
    return _opened(address, storage_of(address), tuple(os.environ.get(name, "") for name in _WHO))


@functools.lru_cache(maxsize=64)
def _opened(address: str, storage: tuple[str, ...], who: tuple[str, ...]) -> "ObjectStore":
    from obstore.store import from_url

    unsafe = address.startswith("http://") or any("=http://" in one for one in storage[1:])
    return from_url(
        address,
        client_options={
            "allow_http": unsafe or os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true"),
            "connect_timeout": "5s",
            "read_timeout": "30s",  # between two pieces of an answer
            "timeout": "1h",  # of a whole answer; a large file on a slow line takes long
        },
        # Few: `Objects` asks again itself, and can say so.
        retry_config={
            "max_retries": 2,
            "retry_timeout": timedelta(seconds=3),
            "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=1), "base": 2},
        },
    )
