"""recipe.json: what a store or a result was made from. Written last, it marks a result as finished."""

import json
from pathlib import Path
from typing import Any

from pipeline.errors import StoreError
from pipeline.stores.atomic import write_text
from pipeline.stores.fingerprint import Recipe, canonical


def write_recipe(folder: Path, recipe: Recipe, note: dict[str, Any] | None = None) -> None:
    """`recipe.json` in a store or result folder, once: the folder's name is its fingerprint, so it never changes."""
    path = folder / "recipe.json"
    if not path.exists():
        canonical(recipe)
        write_text(path, json.dumps({"recipe": recipe, "provenance": note or {}}, indent=1, ensure_ascii=False))


def read_recipe(folder: Path) -> Recipe | None:
    """The recipe of a store or result folder, or None when it has none (nothing was finished there)."""
    try:
        recipe: Recipe = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))["recipe"]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{folder / 'recipe.json'}: not a recipe ({error!r}); delete it and run again") from None
    return recipe
