"""The index of a collection as a folder: all that a search reads, and nothing that Luigi knows.

index.json                what there is          videos.sqlite facets/   the videos, and what filters ask of them
videos/ moments/ frames/  the vectors            words.sqlite            the words that can be read or heard
approximate/              candidates among many  model/ text/            the network, and the YAMLs of text encoders
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import config
from pipeline.errors import StoreError
from pipeline.stores import atomic, recipes
from pipeline.weights.files import WeightOptions

FACTS = "index.json"
CURRENT = "current.json"
MODEL = "model"
KEY_DIGITS = 16
"""Enough that no two of very many videos share a key."""


@dataclass(frozen=True)
class Facts:
    """What index.json holds."""

    dataset: str
    root: str
    """Folder of the videos."""
    modalities: dict[str, str]
    """Expert -> modality."""
    num_videos: int
    longest_s: float
    seen: dict[str, int]
    """Expert -> in how many videos it saw something."""
    examples: tuple[str, ...]
    """Queries to begin with: captions of videos that the model was not trained on."""
    is_trained: bool = False
    """Whether there is a network, in the folder model/."""
    text: str = ""
    """Name of the text encoder."""
    towers: dict[str, str] = dataclasses.field(default_factory=dict)
    """Image-text expert -> name of the text encoder that is its other half."""
    weights: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def weight_options(self) -> WeightOptions:
        """Where the text encoder's weights are."""
        told = self.weights
        return WeightOptions(Path(told["cache"]), told["mirror"], told["offline"], told["seeded"])


def key_of(video_id: str) -> str:
    """The name of a video in addresses."""
    return hashlib.sha256(video_id.encode()).hexdigest()[:KEY_DIGITS]


def write_facts(folder: Path, facts: Facts) -> None:
    """index.json, whole or not at all."""
    atomic.write_text(folder / FACTS, json.dumps(dataclasses.asdict(facts), ensure_ascii=False, indent=1))


def read_facts(folder: Path) -> Facts:
    """What `write_facts` wrote; StoreError when it is damaged."""
    path = folder / FACTS
    try:
        return config.parse(Facts, json.loads(path.read_text(encoding="utf-8")), str(path))
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{folder}: damaged, or an index of another version of this program ({error}); delete the folder, and run "
            "BuildIndex again"
        ) from None


def publish(folder: Path) -> None:
    """Makes the index in `folder` the one that a collection opens."""
    atomic.write_text(folder.parent / CURRENT, json.dumps({"index": folder.name}))


def is_current(folder: Path) -> bool:
    """Whether the collection opens the index in `folder`."""
    return current(folder.parent) == folder


def current(parent: Path) -> Path | None:
    """The index that a collection opens, or None when none was built."""
    try:
        told: Mapping[str, str] = json.loads((parent / CURRENT).read_text(encoding="utf-8"))
        folder = parent / told["index"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return folder if recipes.read_recipe(folder) is not None else None
