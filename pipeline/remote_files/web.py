"""Requests to web servers, over http and https only: where they may lead, how long they may take, what answers mean."""

import functools
import ipaddress
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from pipeline.errors import OutageError, RemoteError
from pipeline.remote_files.addresses import is_web, shown

if TYPE_CHECKING:
    import requests

CONNECT_S, READ_S = 10.0, 20.0
"""Without an answer, or without a byte of one, for so long, a request has failed. Several tries fit into the deadline
of a segment."""
MOST_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_BUSY = {429, 503}
"""Too many requests, and no service now: true of all files of a server."""
_PASSING = {408, 500, 502, 504}

_Number = ipaddress.IPv4Address | ipaddress.IPv6Address

_local = threading.local()


class PassingError(RemoteError):
    """A failure that a second try may not meet."""


class BusyError(OutageError, PassingError):
    """Nobody answers, or the server is too busy for any file."""


@contextmanager
def request(address: str, headers: dict[str, str]) -> Iterator["requests.Response"]:
    """Context with the answer to a GET, whose body is not read yet; redirects are followed where they may lead.

    RemoteError where the answer is no file, or the address is refused; PassingError where a second try may help.
    """
    import requests

    here, where = address, shown(address)
    for _ in range(MOST_REDIRECTS + 1):
        _refuse_metadata(here, where)
        try:
            response = _session().get(
                here, headers={"Accept-Encoding": "identity"} | headers, stream=True, timeout=(CONNECT_S, READ_S),
                allow_redirects=False,
            )  # fmt: skip
        except requests.RequestException as error:
            raise _failure(error, where) from None
        with response:
            if response.status_code not in _REDIRECTS:
                _refuse_status(response, where)
                yield response
                return
            here = _target(here, response.headers.get("Location", ""), where)
    raise RemoteError(f"{where}: more than {MOST_REDIRECTS} redirects")


@contextmanager
def told(address: str) -> Iterator[None]:
    """Context in which what breaks a body off is a PassingError."""
    import requests
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (requests.RequestException, HTTPError) as error:
        why = f"no byte for {READ_S:g} s" if "imed out" in str(error) else "the connection broke off"
        raise PassingError(f"{shown(address)}: {why}") from None


def content_range(headers: Mapping[str, str]) -> tuple[int | None, int | None]:
    """(first byte, length of the whole file) in Content-Range; None for what it does not tell."""
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", headers.get("Content-Range", "").strip())
    if not found:
        return None, None
    first, length = found.groups()
    return (int(first) if first else None), (None if length == "*" else int(length))


def _session() -> "requests.Session":
    """Of this thread: it keeps connections open."""
    import requests

    if not hasattr(_local, "session"):
        _local.session = requests.Session()
    session: requests.Session = _local.session
    return session


def _failure(error: "requests.RequestException", where: str) -> RemoteError:
    """The error as one line; its own text may hold the whole address."""
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return RemoteError(f"{where}: the server's certificate is not valid, or it speaks no https")
    if isinstance(error, requests.ReadTimeout):
        return PassingError(f"{where}: no answer for {READ_S:g} s")
    if isinstance(error, requests.ConnectionError):
        if "RemoteDisconnected" in str(error) or "Connection aborted" in str(error):
            return PassingError(f"{where}: the connection broke off")
        return BusyError(f"{where}: {urlsplit(where).netloc} does not answer; see whether it can be reached from here")
    return RemoteError(f"{where}: cannot be asked for: {type(error).__name__}")


def _refuse_status(response: "requests.Response", where: str) -> None:
    status = response.status_code
    if status in {200, 206, 416}:
        if encoding := response.headers.get("Content-Encoding", "").replace("identity", ""):
            raise RemoteError(f"{where}: the server sends it as {encoding[:20]}, which cannot be read by parts")
        return
    if status == 412:
        return  # another version: whoever asked for one compares
    text = f"{where}: the server answers {status} {response.reason or ''}".rstrip()
    if status in _BUSY:
        raise BusyError(text)
    raise PassingError(text) if status in _PASSING else RemoteError(text)


def _target(here: str, location: str, where: str) -> str:
    """Where a redirect leads; RemoteError where it must not be followed."""
    there = urljoin(here, location)
    if not location or not is_web(there):
        raise RemoteError(f"{where}: a redirect to {shown(there)}, which is not followed: only http and https are")
    if here.startswith("https:") and there.startswith("http:"):
        raise RemoteError(f"{where}: a redirect from https to http, which is not followed")
    if _is_inner(there) and not _is_inner(here):
        raise RemoteError(f"{where}: a redirect into the network of this machine, which is not followed")
    return there


def _refuse_metadata(address: str, where: str) -> None:
    """RemoteError for addresses of the link itself, at which clouds hand their machines credentials."""
    if any(one.is_link_local or str(one) in {"fd00:ec2::254", "100.100.100.200"} for one in _addresses(address)):
        raise RemoteError(f"{where}: an address of the machine's own link, which is never asked")


def _is_inner(address: str) -> bool:
    return any(not one.is_global for one in _addresses(address))


def _addresses(address: str) -> tuple[_Number, ...]:
    """What the host of an address is resolved to; none where it is not, which the request will tell."""
    try:
        return _resolved(urlsplit(address).hostname or "")
    except (OSError, ValueError):
        return ()


@functools.lru_cache(maxsize=4096)
def _resolved(host: str) -> tuple[_Number, ...]:
    numbers = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in socket.getaddrinfo(host, None)]
    return tuple(getattr(number, "ipv4_mapped", None) or number for number in numbers)
