"""Which store of an expert holds the features that its YAML describes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline import config
from pipeline.errors import ConfigError
from pipeline.project import Project
from pipeline.stores import places, recipes, store
from pipeline.stores.fingerprint import Recipe
from pipeline.stores.keys import Keys
from pipeline.stores.row_table import Held
from pipeline.weights.files import SEEDED


@dataclass(frozen=True)
class Made:
    """A store of features."""

    folder: Path
    recipe: Recipe
    held: Held
    """Its rows of the dataset's videos."""

    @property
    def fingerprint(self) -> str:
        """Of the recipe."""
        return self.folder.name


def read_settings(place: Project, expert: str) -> dict[str, Any]:
    """The YAML of an expert as it stands, as a recipe would have it; ConfigError where there is none."""
    settings = config.read_yaml(config.choose(place.configs / "experts", expert))
    plain: dict[str, Any] = json.loads(json.dumps(settings, default=str))
    return plain


def find_store(place: Project, dataset: str, expert: str, keys: Keys, fingerprint: str = "") -> Made:
    """The store of `expert` that has rows with these `keys` of a dataset; with this `fingerprint`, if one is given.

    Of those whose recipes agree with the YAML of the expert it is the one of the newest code; of equal ones, the one
    with the most rows of the dataset, and of these the one that was made last. ConfigError where there is none.
    """
    parent = place.store / "features" / expert
    found = [_made(one.parent, keys) for one in places.listed(parent).glob(f"*/{recipes.NAME}")]
    run = f"luigi --module tasks ExtractExpert --dataset {dataset} --expert {expert}"
    made = [one for one in found if one is not None and one.held.num_rows]
    if not made:
        raise ConfigError(f"{dataset}: {expert} was never extracted; run it: {run}")
    if fingerprint:
        chosen = [one for one in made if one.fingerprint == fingerprint]
        if not chosen:
            there = config.nearest(fingerprint, [one.fingerprint for one in made])
            raise ConfigError(f"{dataset}: no features of {expert} with the fingerprint {fingerprint!r}{there}")
        return chosen[0]
    settings = read_settings(place, expert)
    fitting = [one for one in made if agrees(one.recipe, settings, place.weights.seeded)]
    if not fitting:
        there = ", ".join(sorted(one.fingerprint for one in made))
        raise ConfigError(
            f"{dataset}: {expert} was extracted with other settings than its YAML has now; run it again: {run}, or "
            f"name one of the older ones with fingerprint= ({there})"
        )
    return max(fitting, key=_newness)


def _newness(made: Made) -> tuple[list[int], int, int, float]:
    try:
        written_s = datetime.fromisoformat(recipes.provenance(made.folder)["made"]).timestamp()
    except (KeyError, TypeError, ValueError):
        written_s = 0.0
    # The numbers are raised by hand and never fall; a date of a file would be lost with a copy of the store.
    return made.recipe.get("decode", []), made.recipe.get("version", 0), made.held.num_rows, written_s


def agrees(recipe: Recipe, settings: Mapping[str, Any], seeded: bool) -> bool:
    """Whether a recipe may be that of a YAML with these settings; what the YAML leaves to its defaults is not known.

    `seeded`: the project asks for stand-ins in place of all weights.
    """
    told = {
        "extractor": settings.get("extractor"),
        "params": settings.get("params") or {},
        "precision": settings.get("precision", "fp32"),
    }
    weights = recipe.get("weights") or {}
    wants_seeded = seeded or settings.get("weights") == SEEDED
    is_seeded = SEEDED in weights.values()
    return _within(told, {"precision": "fp32", **recipe}) and (not weights or is_seeded == wants_seeded)


def _within(told: Any, whole: Any) -> bool:
    """Whether all that is `told` stands in `whole` too, which may have more keys."""
    if isinstance(told, Mapping) and isinstance(whole, Mapping):
        return all(key in whole and _within(value, whole[key]) for key, value in told.items())
    return bool(told == whole)


def _made(folder: Path, keys: Keys) -> Made | None:
    recipe = recipes.read_recipe(folder)
    return None if recipe is None else Made(folder, recipe, Held(store.table(folder), keys))
