"""Reads and writes recipe.json, the inputs and settings of a store or result; written last, it marks it as finished.

It lists the files of the result with size and SHA-256, so that a damaged one is told and not used. Recipes that were
written before November 2026 have no such list, and stay valid.
"""

import functools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.errors import DamagedError, NewerVersionError, StoreError
from pipeline.stores import damage, places
from pipeline.stores.fingerprint import Recipe, canonical, file_sha256, text_sha256

NAME = places.RESULT
FORMAT = 1
"""Raised by hand when an older program could misunderstand what is written beside a recipe."""
CHECKED_BYTES = 4 << 20
"""`check` hashes smaller files at once; of larger ones it looks at the size, since a no-op must stay fast."""

_KEYS = {"format", "recipe", "provenance", "files", "sha256"}


def write_recipe(
    folder: Path, recipe: Recipe, note: dict[str, Any] | None = None, files: Iterable[str | Path] = ()
) -> None:
    """Writes `recipe.json` in a store or result folder unless a whole one is there: the fingerprint names the folder.

    `note` is kept as its provenance, which does not enter the fingerprint. `files`: paths of the result's files, below
    `folder` or relative to it. TypeError for a value JSON cannot hold.
    """
    path = folder / NAME
    if not _is_whole(folder):
        canonical(recipe)  # raises for a value that JSON does not keep exactly
        paths = [path if path.is_relative_to(folder) else folder / path for path in map(Path, files)]
        listed = {one.relative_to(folder).as_posix(): [one.stat().st_size, file_sha256(one)] for one in sorted(paths)}
        body = {"format": FORMAT, "recipe": recipe, "files": listed}
        checked = body | {"sha256": text_sha256(canonical(body)), "provenance": note or {}}
        places.place_of(folder).share(sorted(paths))
        places.write_text(path, json.dumps(checked, indent=1, ensure_ascii=False))


def read_recipe(folder: Path) -> Recipe | None:
    """The recipe of a store or result folder; None when the folder was not finished.

    DamagedError when it is damaged, or a listed file is gone or has another size; NewerVersionError when a newer
    version of the program wrote it.
    """
    body = _read(folder)
    if body is None:
        return None
    for name, (size, _) in body.get("files", {}).items():
        _check_size(folder, name, size)
    recipe: Recipe = body["recipe"]
    return recipe


def provenance(folder: Path) -> dict[str, Any]:
    """What was noted beside the recipe when it was written, e.g. when: "made"; empty where there is nothing."""
    noted: dict[str, Any] = (_read(folder) or {}).get("provenance", {})
    return noted


def check(folder: Path, up_to_bytes: float = CHECKED_BYTES) -> Recipe | None:
    """As `read_recipe`, and DamagedError when a listed file of at most `up_to_bytes` has other bytes than it had."""
    recipe = read_recipe(folder)
    for name, (size, digest) in ((_read(folder) or {}).get("files", {})).items():
        if size <= up_to_bytes:
            path = folder / name
            stat = path.stat() if path.exists() else None  # what is not fetched yet is checked when it is
            if stat and _sha256(path, stat.st_size, stat.st_mtime_ns) != digest:
                raise DamagedError(folder, f"the bytes of {name} have changed since it was written")
    return recipe


def check_files(folder: Path, names: Iterable[str]) -> Recipe | None:
    """As `check`, of these files alone, whatever their size; None too where one of them is not listed."""
    recipe, listed = read_recipe(folder), (_read(folder) or {}).get("files", {})
    for name in names:
        if name not in listed:
            return None
        path = places.fetched(folder / name)
        if _sha256(path, path.stat().st_size, path.stat().st_mtime_ns) != listed[name][1]:
            raise DamagedError(folder, f"the bytes of {name} have changed since it was written")
    return recipe


def _read(folder: Path) -> dict[str, Any] | None:
    """The content of recipe.json; None where there is none."""
    path = places.listed(folder) / NAME
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        raise _damaged(folder, f"{NAME} is not a recipe ({error!r})") from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror or error}") from None
    try:
        body: dict[str, Any] = json.loads(text)
        number, unknown = body.get("format", 0), sorted(body.keys() - _KEYS)
        if number <= FORMAT and not unknown:
            if "sha256" in body and body["sha256"] != text_sha256(canonical(_signed(body))):
                raise ValueError("its checksum is wrong")
            body["recipe"].items()
            return body
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(folder, f"{NAME} is not a recipe ({repr(error) if text else 'empty'})") from None
    raise NewerVersionError(path, f"format {number}" if number > FORMAT else f"unknown key {unknown[0]!r}")


def _is_whole(folder: Path) -> bool:
    try:
        return _read(folder) is not None
    except DamagedError:
        return False


def _signed(body: dict[str, Any]) -> dict[str, Any]:
    return {key: body[key] for key in ("format", "recipe", "files")}


def _damaged(folder: Path, why: str) -> DamagedError:
    """Of a store, whose parts are whole without it, only the file: it says what their folder's name says too."""
    is_store = any(folder.glob("part-*.zarr"))
    return DamagedError(folder / NAME if is_store else folder, why)


def _check_size(folder: Path, name: str, size: int) -> None:
    try:
        found = places.place_of(folder).size_bytes(folder / name)
    except (FileNotFoundError, NotADirectoryError):
        raise DamagedError(folder, f"{name} is gone") from None
    except OSError as error:
        raise damage.unreadable(folder, name, error) from None
    if found != size:
        raise DamagedError(folder, f"{name} has {found} bytes in place of {size}")


@functools.lru_cache(maxsize=4096)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    """Cached while the file does not change: Luigi asks for the same results many times in a run."""
    return file_sha256(path)
