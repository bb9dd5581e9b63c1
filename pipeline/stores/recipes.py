"""Reads and writes recipe.json, the inputs and settings of a store or result; written last, it marks it as finished."""

import json
from pathlib import Path
from typing import Any

from pipeline.errors import StoreError
from pipeline.stores.atomic import write_text
from pipeline.stores.fingerprint import Recipe, canonical


def write_recipe(folder: Path, recipe: Recipe, note: dict[str, Any] | None = None) -> None:
    """Writes `recipe.json` in a store or result folder unless it exists: the folder is named by the fingerprint.

    `note` is kept as its provenance, which does not enter the fingerprint. TypeError for a value JSON cannot hold.
    """
    path = folder / "recipe.json"
    if not path.exists():
        canonical(recipe)  # raises for a value that JSON does not keep exactly
        write_text(path, json.dumps({"recipe": recipe, "provenance": note or {}}, indent=1, ensure_ascii=False))


def read_recipe(folder: Path) -> Recipe | None:
    """The recipe of a store or result folder; None when the folder was not finished. StoreError when it is damaged."""
    try:
        recipe: Recipe = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))["recipe"]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{folder / 'recipe.json'}: not a recipe ({error!r}); delete it and run again") from None
    return recipe
