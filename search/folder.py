"""The index of a collection as a folder: all that a search reads, and nothing that Luigi knows.

index.json         the videos and the experts             words.sqlite   the words that can be read or heard
videos/ moments/   vectors of the videos and moments      model/ text/   the network, and its text encoder's YAML
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import config, store
from pipeline.errors import StoreError
from pipeline.weights import WeightOptions

FACTS = "index.json"
CURRENT = "current.json"
MODEL = "model"


@dataclass(frozen=True)
class Entry:
    """A video of the collection."""

    key: str
    """12 hex digits that name it in addresses; says nothing about the file."""
    video_id: str
    duration_s: float
    split: str
    playable: bool
    """False when there is no file, or none that can be decoded."""
    experts: tuple[str, ...]
    """The experts that saw something in it."""
    captions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What index.json holds."""

    dataset: str
    root: str
    """Folder of the videos."""
    modalities: dict[str, str]
    """Expert -> modality."""
    entries: tuple[Entry, ...]
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
    return hashlib.sha256(video_id.encode()).hexdigest()[:12]


def write_facts(folder: Path, facts: Facts) -> None:
    """index.json, whole or not at all."""
    store.write_text(folder / FACTS, json.dumps(dataclasses.asdict(facts), ensure_ascii=False, indent=1))


def read_facts(folder: Path) -> Facts:
    """What `write_facts` wrote; StoreError when it is damaged."""
    path = folder / FACTS
    try:
        return config.parse(Facts, json.loads(path.read_text(encoding="utf-8")), str(path))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: not an index ({error}); delete its folder and run BuildIndex again") from None


def publish(folder: Path) -> None:
    """Makes the index in `folder` the one that a collection opens."""
    store.write_text(folder.parent / CURRENT, json.dumps({"index": folder.name}))


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
    return folder if store.read_recipe(folder) is not None else None
