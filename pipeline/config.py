"""Reads YAML files into frozen dataclasses, strictly: an unknown key or a wrong type is an error of one line."""

import copy
import dataclasses
import difflib
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.errors import ConfigError

if TYPE_CHECKING:  # decode workers get their parameters as they are, and would import it, and PyYAML, for nothing
    from pydantic import ConfigDict, TypeAdapter, ValidationError

T = TypeVar("T")

STRICT: "ConfigDict" = {"extra": "forbid", "strict": True}
"""Every config dataclass sets `__pydantic_config__ = STRICT`."""

LATER = MappingProxyType({"later": True})
"""Metadata of a field that came after results were made without it: a recipe has it only where it is set."""

MAX_BYTES = 1_000_000
"""Of a config."""

SHIPPED = Path(__file__).with_name("shipped") / "configs"
"""The configs that came with the program; in its repository a link to configs/."""

INHERITS = "inherits.yaml"
"""A folder of configs that has this file inherits: what it lacks is taken from those that came with the program."""

_UNKNOWN_KEY = frozenset({"extra_forbidden", "unexpected_keyword_argument"})


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; ConfigError when the file is missing, malformed, too large, or not a mapping."""
    path = find(path)
    try:
        data = copy.deepcopy(_parsed(_text(path)))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file{nearest(path.stem, names(path.parent))}") from None
    except ConfigError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    except ValueError as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected 'key: value' lines, found {type(data).__name__}")
    return data


@functools.lru_cache(maxsize=256)
def _parsed(text: str) -> Any:
    """Kept, since a command reads the same configs several times, and PyYAML takes milliseconds for each."""
    from pipeline import plain_data

    return plain_data.parse_yaml(text)


def _text(path: Path) -> str:
    """The text of a config; ConfigError for what is no file, or too large to be a config."""
    if path.exists() and not path.is_file():
        raise ConfigError(f"{path}: cannot be read: no file")
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES / 1e6:.0f} MB, which no config is")
    return content.decode("utf-8")


def parse(cls: type[T], data: Any, where: str) -> T:
    """`data` as an instance of the dataclass `cls`; ConfigError names `where`, the key and the closest valid key.

    `where` is the source of the data for error messages, e.g. the path of the file.
    """
    from pydantic import ValidationError

    try:
        plain = json.dumps(data, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{where}: a value that is no plain number, text, list or mapping: {error}") from None
    try:
        # Through JSON: pydantic's strict mode then takes a list for a tuple, an int for a float, and nothing else.
        return _adapter(cls).validate_json(plain)
    except ValidationError as error:
        raise ConfigError(f"{where}: {_explain(cls, error)}") from None


def _adapter(cls: type[T]) -> "TypeAdapter[T]":
    """The adapter of a class, built once: a command reads some hundred configs of a few kinds, and it takes 10 ms."""
    hashable: Any = cls  # which mypy does not take a type[T] for
    return _cached_adapter(hashable)


@functools.lru_cache(maxsize=64)
def _cached_adapter(cls: Any) -> "TypeAdapter[Any]":
    from pydantic import TypeAdapter

    return TypeAdapter(cls)


def load(cls: type[T], path: Path) -> T:
    """The dataclass `cls` that the YAML file at `path` describes."""
    return parse(cls, read_yaml(path), str(path))


def find(path: Path) -> Path:
    """`path`, or where it is missing and its folder of configs inherits, the file that came with the program."""
    if not path.exists():
        for configs in path.parents[:2]:
            if (configs / INHERITS).is_file():
                return SHIPPED / path.relative_to(configs)
    return path


def names(folder: Path) -> list[str]:
    """The names of the configs in `folder`, which is one of a kind: the stems of its YAML files, sorted."""
    return sorted(path.stem for path in paths(folder))


def paths(folder: Path) -> list[Path]:
    """The configs in `folder`, which is one of a kind, e.g. experts/, with those that it inherits; sorted by name."""
    inherited = SHIPPED / folder.name if (folder.parent / INHERITS).is_file() else folder
    found = {path.name: path for one in (inherited, folder) for path in one.glob("*.yaml")}
    return [found[name] for name in sorted(found)]


def choose(folder: Path, name: str) -> Path:
    """The path of the config called `name` in `folder`; ConfigError suggests the closest name when there is none."""
    if name not in names(folder):
        raise ConfigError(f"no {name}.yaml in {folder}{nearest(name, names(folder))}")
    return find(folder / f"{name}.yaml")


def nearest(word: str, candidates: Sequence[str]) -> str:
    """The candidate nearest to a mistyped `word`, and all of them, as the end of an error message; empty if none."""
    if not candidates:
        return ""
    # Where it is only the case that differs, difflib sees nothing in common.
    close = difflib.get_close_matches(word.lower(), [one.lower() for one in candidates], n=1, cutoff=0.5)
    found = next((one for one in candidates if close and one.lower() == close[0]), "")
    return f" ({f'did you mean {found!r}? ' if found else ''}there are: {', '.join(sorted(candidates))})"


def _nearest_key(word: str, candidates: list[str]) -> str:
    close = difflib.get_close_matches(word, candidates, n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else nearest(word, candidates)


def _explain(cls: type, error: "ValidationError") -> str:
    # A misspelt key is reported as unknown and as missing; the unknown one helps the user more.
    first = min(error.errors(), key=lambda problem: problem["type"] not in _UNKNOWN_KEY)
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] in _UNKNOWN_KEY:
        return f"unknown key {key!r}{_nearest_key(str(first['loc'][-1]), _keys_at(cls, first['loc'][:-1]))}"
    if first["type"] in {"missing", "missing_argument"}:
        return f"key {key!r} is missing"
    message = first["msg"].removeprefix("Value error, ")
    if not key:
        return message
    return f"key {key!r}: {message} (found {first['input']!r})"


def _keys_at(cls: Any, loc: tuple[int | str, ...]) -> list[str]:
    """The field names of the nested dataclass at `loc`; empty when something on the way is not a dataclass."""
    for part in loc:
        if not dataclasses.is_dataclass(cls):
            return []
        fields = {field.name: field.type for field in dataclasses.fields(cls)}
        cls = fields.get(str(part))
    return [field.name for field in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else []
