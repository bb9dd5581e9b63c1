"""Takes out of a text what is nobody's business: paths, the names of user and host, passwords in addresses."""

import getpass
import platform
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
_QUOTED_PATH = re.compile(r"(?P<quote>['\"])(?:/|[A-Za-z]:\\)[^'\"]*(?P=quote)")
_SYSTEM = r"(?:usr|lib|lib64|bin|dev|proc|sys|etc)(?=[/\s:;,)]|$)"
_PATH = re.compile(rf"(?<![\w.~>/:-])/(?!{_SYSTEM})[^\s:;,'\")(]+")
SHORTEST_NAME = 3
"""A shorter name of a user or host is part of too many words."""
PLAIN_NAMES = {"root", "user", "admin", "localhost", "ubuntu", "debian"}


def shareable(text: str, folders: Mapping[Path, str]) -> str:
    """The text for everybody to read; `folders`: path -> what it is called, e.g. "<data>"."""
    text = _CREDENTIALS.sub("***@", text)
    known = {str(path.absolute()): name for path, name in folders.items()}
    known |= {str(path.resolve()): name for path, name in folders.items()}
    with suppress(RuntimeError):
        known.setdefault(str(Path.home()), "~")
    known = {path: name for path, name in known.items() if len(path) > 1}
    for path in sorted(known, key=len, reverse=True):  # a folder before the one that it lies in
        text = re.sub(rf"{re.escape(path)}(?![\w.-])", lambda _, name=known[path]: name, text)  # type: ignore[misc]
    text = _PATH.sub("<path>", _QUOTED_PATH.sub("<path>", text))
    for name, called in _names().items():
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", called, text)
    return text


def _names() -> dict[str, str]:
    """The names of this user and host, as far as they say anything."""
    with suppress(Exception):  # no such user, as in some containers
        names = {getpass.getuser(): "<user>", platform.node(): "<host>"}
        return {
            name: called
            for name, called in names.items()
            if len(name) >= SHORTEST_NAME and name.lower() not in PLAIN_NAMES
        }
    return {}
