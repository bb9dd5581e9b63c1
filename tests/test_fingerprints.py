"""Pins the fingerprint of everything that is shipped, so that no change makes the stores of users stale unnoticed.

tests/fingerprints.json was written by the code of before the modules moved into rooms (commit 4f4fa96).
"""

import json
from pathlib import Path

import pytest

from extractors import registry
from models import config as model_config
from pipeline.datasets import manifest
from pipeline.datasets.annotations import Caption
from pipeline.released.feature_import import row_key
from pipeline.stores.fingerprint import Recipe, fingerprint

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs"
PINNED = json.loads(Path(__file__).with_name("fingerprints.json").read_text(encoding="utf-8"))

CAPTIONS = (
    Caption("a man cooks pasta"),
    Caption("Ein Mädchen öffnet die Tür – „schön“", ("rgb", "scene")),
    Caption("男人在做饭 🍜"),
)
VIDEOS = [
    manifest.Video("küche/pasta.mp4", "0" * 32, "train", CAPTIONS[:2], 2.0, True, True, False),
    manifest.Video("街.mkv", "f" * 32, "test", CAPTIONS[2:], 4.5, True, False, True),
]

RECIPES = {
    "experts": lambda name: registry.expert(name, CONFIGS / "experts").recipe,
    "text": lambda name: registry.text(name, CONFIGS / "text").recipe,
    "models": lambda name: model_config.recipe(model_config.load(name, CONFIGS / "models")),
    "datasets": lambda name: manifest.recipe(name, VIDEOS),
}
SHIPPED = [(kind, path.stem) for kind in RECIPES for path in sorted((CONFIGS / kind).glob("*.yaml"))]


def recipe_of(kind: str, name: str) -> Recipe:
    return RECIPES[kind](name)


def test_every_shipped_config_is_pinned_and_nothing_else():
    assert {kind: set(PINNED[kind]) for kind in RECIPES} == {
        kind: {name for other, name in SHIPPED if other == kind} for kind in RECIPES
    }


@pytest.mark.parametrize(("kind", "name"), SHIPPED)
def test_the_fingerprint_is_the_one_that_users_have_on_their_disks(kind, name):
    now = fingerprint(recipe_of(kind, name))
    assert now == PINNED[kind][name], (
        f"{kind}/{name}: the fingerprint is {now} now, so everything made with it is made anew. If that is meant, put "
        "the new one into tests/fingerprints.json and say why in the commit"
    )


def test_rows_are_keyed_by_the_text_of_a_caption_and_by_the_name_of_an_imported_video():
    assert {caption.text: caption.key for caption in CAPTIONS} == PINNED["captions"]
    assert row_key("MSRVTT", "vidéo7") == PINNED["imported"]["MSRVTT"]
