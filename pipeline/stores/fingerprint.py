"""Fingerprints of recipes: 12 hex digits that name a result by the plain dict of everything that decides it."""

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

Recipe = dict[str, Any]

Plain = str | float | Sequence["Plain"]
"""What JSON keeps exactly, as far as a number is finite."""

DIGITS = 12


def fingerprint(recipe: Recipe) -> str:
    """The first 12 hex digits of the SHA-256 of the recipe's canonical JSON; TypeError for a value JSON cannot hold."""
    return hashlib.sha256(canonical(recipe).encode()).hexdigest()[:DIGITS]


def fingerprint_of_long(recipe: Recipe, key: str, items: Iterable[Plain]) -> str:
    """The fingerprint of `recipe | {key: list(items)}`, for a list too long to be held as text.

    ValueError for a number that is not finite.
    """
    digest = hashlib.sha256()
    before, after = ({name: value for name, value in recipe.items() if (name < key) == side} for side in (True, False))
    digest.update((canonical(before)[:-1] + ("," if before else "") + json.dumps(key) + ":[").encode())
    rest, separator = iter(items), ""
    while some := list(islice(rest, 1000)):
        text = json.dumps(some, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        digest.update((separator + text[1:-1]).encode())
        separator = ","
    digest.update(("]" + ("," if after else "") + canonical(after)[1:]).encode())
    return digest.hexdigest()[:DIGITS]


def canonical(recipe: Recipe) -> str:
    """The recipe as JSON with sorted keys and no spaces: equal recipes give equal text, whatever their key order."""
    _refuse_unstable(recipe, "recipe")
    return json.dumps(recipe, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def text_sha256(text: str) -> str:
    """The SHA-256 of a text in UTF-8 as 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's content as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def differences(old: Recipe, new: Recipe) -> list[str]:
    """The differences between two recipes, one line per key: `params.bins: 8 -> 16`."""
    before, after = _flat(old), _flat(new)
    lines = []
    for key in sorted(before.keys() | after.keys()):
        if key not in after:
            lines.append(f"{key}: {before[key]} -> (gone)")
        elif key not in before:
            lines.append(f"{key}: (new) -> {after[key]}")
        elif json.dumps(before[key]) != json.dumps(after[key]):  # as in the fingerprint, 1 differs from 1.0
            lines.append(f"{key}: {before[key]} -> {after[key]}")
    return lines


def _flat(recipe: Recipe, prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in recipe.items():
        nested = isinstance(value, dict) and value
        flat |= _flat(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
    return flat


def _refuse_unstable(value: Any, where: str) -> None:
    """TypeError for a value that JSON does not keep exactly, since its hash could differ from run to run."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{where}: key {key!r} is not a string")
            _refuse_unstable(item, f"{where}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _refuse_unstable(item, f"{where}[{index}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise TypeError(f"{where}: {value} is not a finite number")
    elif value is not None and not isinstance(value, (str, int, float)):
        raise TypeError(f"{where}: {type(value).__name__} is not plain JSON")
