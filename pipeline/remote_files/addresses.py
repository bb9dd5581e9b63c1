"""Addresses of remote files: what of them may be shown, and which local name stands for one."""

import hashlib
import re
from pathlib import PurePosixPath
from urllib.parse import parse_qsl, quote, unquote, urlsplit

MOST_BYTES_OF_NAME = 240
"""Of a part of a local path; file systems take 255."""
MOST_BYTES_OF_PATH = 1000

_SECRETS = re.compile(
    r"(x-amz-|x-goog-).*|awsaccesskeyid|googleaccessid|signature|expires|policy|key-pair-id|(access_?)?token|auth|"
    r"api_?key|key|sig|se|sp|sv|sr|st|spr|skoid|sktid|skt|ske|sks|skv|sdd",
    re.IGNORECASE,
)
"""Parameters of signed addresses, which change with each signature: of AWS, Google Cloud, CloudFront and Azure."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
_SUFFIX = re.compile(r"\.[A-Za-z0-9_-]{1,10}$")


def is_web(address: str) -> bool:
    """Whether it is an address of a web server, where nothing can be listed."""
    return address.lower().startswith(("http://", "https://"))


def shown(address: str) -> str:
    """The address as people may see it, and logs: without credentials, which may also stand in the query."""
    if not is_web(address):
        return _CONTROL.sub("?", address)
    parts = urlsplit(address)
    query = "?..." if parts.query else ""
    return _CONTROL.sub("?", f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{query}")


def stable(address: str) -> str:
    """Host, path and query of an address, decoded, without what changes from signature to signature."""
    if not is_web(address):
        return address.partition("://")[2]  # a key may hold any character
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2].lower()
    pairs = [f"{name}={value}" for name, value in parse_qsl(parts.query, True) if not _SECRETS.fullmatch(name)]
    return host + unquote(parts.path) + ("?" + "&".join(pairs) if pairs else "")


def name_of(address: str) -> str:
    """The id of a video of a list, by its address: host and path, and what of the query tells it from others.

    It never depends on the other lines of the list. Parts that are too long for a file name end with a hash.
    """
    path, mark, query = stable(address).partition("?") if is_web(address) else (stable(address), "", "")
    parts = [part for part in path.split("/") if part]
    if query:  # before the suffix, which says what kind of file it is
        suffix = found[0] if (found := _SUFFIX.search(parts[-1])) else ""
        parts[-1] = parts[-1].removesuffix(suffix) + mark + quote(query, safe="=&,+ ") + suffix
    return "/".join(map(_shortened, parts))


def unsafe(key: str) -> str:
    """Why a key cannot be the name of a file below a folder, in words; empty where it can."""
    if _CONTROL.search(key):
        return "it has a control character, or is not UTF-8"
    parts = key.split("/")
    if key.startswith("/") or not all(parts) or {".", ".."} & set(parts) or PurePosixPath(key).is_absolute():
        return "it has an empty part, or one of dots alone"
    if len(key.encode()) > MOST_BYTES_OF_PATH or any(len(part.encode()) > 255 for part in parts):
        return "it is too long"
    return ""


def is_hidden(key: str) -> bool:
    """Whether a part of the key begins with a dot, as of files that are left out in local folders too."""
    return key.startswith(".") or "/." in key


def _shortened(part: str) -> str:
    if len(part.encode()) <= MOST_BYTES_OF_NAME:
        return part
    found = _SUFFIX.search(part)
    kept = part.encode()[: MOST_BYTES_OF_NAME - 40].decode(errors="ignore")
    return f"{kept}-{hashlib.sha256(part.encode()).hexdigest()[:16]}{found[0] if found else ''}"
