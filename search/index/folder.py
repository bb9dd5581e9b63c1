"""The folder of an index, which holds what a search reads: its files, its facts, and which index is current.

Where the videos and the weights of text encoders are is no part of it: that is looked up when the index is opened, so
that they can be moved.

index.json                the facts of the index     videos.sqlite facets/   the videos, and the columns of filters
videos/ moments/ frames/  embeddings                 words.sqlite            recognised words
approximate/              index for many videos      labels.sqlite           what classifiers saw, by class
model/ text/              the network; YAMLs of the text encoders
label_words/              what classifiers saw, by frame, and the sentence vectors of its names
overview.json overview/   what each expert has and lacks, and why; mean vectors of videos, for a map
late_interaction/         at most 32 vectors of each video, by experts that a text can be compared with
features/ experts/        what an example is compared with; YAMLs of the experts that can be shown one
rows.npz                  which rows of the stores it was made of, so that the next one reads only new ones
selector.json             how the rankings of a query say how far each engine is trusted, or that they do not
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline import config, plain_data
from pipeline.errors import ConfigError, DamagedError, StoreError
from pipeline.stores import atomic, places, recipes

FACTS = "index.json"
CURRENT = "current.json"
MODEL = "model"
EXPERTS = "experts"
KEY_DIGITS = 16
"""Long enough that two of a million videos do not share a key."""


@dataclass(frozen=True)
class Facts:
    """The contents of index.json."""

    dataset: str
    modalities: dict[str, str]
    """Expert -> modality."""
    num_videos: int
    longest_s: float
    seen: dict[str, int]
    """Expert -> number of videos with its features."""
    examples: tuple[str, ...]
    """Example queries: captions of videos that the model was not trained on."""
    is_trained: bool = False
    """Whether there is a network, in the folder model/."""
    text: str = ""
    """Name of the text encoder; empty without a network."""
    towers: dict[str, str] = dataclasses.field(default_factory=dict)
    """Image-text expert -> name of the text encoder that matches it."""
    encoders: dict[str, str] = dataclasses.field(default_factory=dict)
    """Text encoder -> fingerprint of its recipe; an index before version 7 has none."""
    labelled: tuple[str, ...] = ()
    """Experts whose labels are in labels.sqlite; an index before version 8 has none."""
    sentences: str = ""
    """Name of the text encoder that compares queries with label words; empty where there are none."""
    seeded: bool = False
    """Whether the text encoders ran on stand-in weights; their recipes say so too."""
    recipes: dict[str, str] = dataclasses.field(default_factory=dict)
    """Expert -> fingerprint of its recipe, of those that can be shown an example."""
    compared: tuple[str, ...] = ()
    """Experts whose vectors are in features/; an index before version 10 has none."""
    late: tuple[str, ...] = ()
    """Experts whose vectors are in late_interaction/; an index before version 12 has none."""


def key_of(video_id: str) -> str:
    """The key of a video in addresses."""
    return hashlib.sha256(video_id.encode()).hexdigest()[:KEY_DIGITS]


def write_facts(folder: Path, facts: Facts) -> None:
    """Writes index.json atomically."""
    atomic.write_text(folder / FACTS, json.dumps(dataclasses.asdict(facts), ensure_ascii=False, indent=1))


def read_facts(folder: Path) -> Facts:
    """The facts of the index in `folder`; DamagedError when index.json is, StoreError when of another version."""
    path = places.fetched(folder / FACTS)
    try:
        body = plain_data.parse_json(path.read_text(encoding="utf-8"))
        # Before version 7 an index also held where the weights and the videos were, which is now looked up.
        before = body.get("weights")
        seeded = {"seeded": bool(before.get("seeded"))} if isinstance(before, dict) else {}
        return config.parse(Facts, seeded | body, str(path))
    except ConfigError as error:
        raise StoreError(f"{folder}: an index of another version of this program ({error}); run BuildIndex") from None
    except (OSError, ValueError, AttributeError) as error:
        raise DamagedError(folder, f"{FACTS} cannot be read ({error}); BuildIndex makes it anew") from None


def publish(folder: Path) -> None:
    """Makes the index in `folder` the current one, which `Collection.open` opens."""
    places.write_text(folder.parent / CURRENT, json.dumps({"index": folder.name}))


def is_current(folder: Path) -> bool:
    """Whether the index in `folder` is the current one of its dataset."""
    return current(folder.parent) == folder


def current(parent: Path) -> Path | None:
    """The folder of the current index below `parent`; None when there is no finished one."""
    places.listed(parent)
    try:
        pointer: Mapping[str, str] = json.loads((parent / CURRENT).read_text(encoding="utf-8"))
        folder = parent / pointer["index"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return folder if recipes.read_recipe(folder) is not None else None
