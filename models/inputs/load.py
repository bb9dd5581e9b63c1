"""Reads the splits of a dataset from its manifest and stores."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from models.inputs.batches import Collection
from models.network_inputs import ExpertInput, TextInput
from pipeline.datasets.annotations import Caption
from pipeline.datasets.manifest import UNLABELLED, Manifest, Video
from pipeline.errors import TrainingError
from pipeline.released.feature_import import row_key
from pipeline.stores import parts, store
from pipeline.stores.keys import Keys
from pipeline.stores.ragged import Ragged
from pipeline.stores.row_table import Held


@dataclass(frozen=True)
class Tower:
    """The text encoder of an expert that is aligned with text: its vectors of texts are in the space of the rows."""

    name: str
    """Of its YAML in configs/text/."""
    store: Path
    """Store with the vectors of the captions."""
    dim: int


@dataclass(frozen=True)
class Sources:
    """The manifest and stores that a training or an evaluation reads."""

    manifest: Manifest
    experts: tuple[ExpertInput, ...]
    stores: dict[str, Path]
    """Name of an expert -> store of its features."""
    text: TextInput
    text_store: Path
    imported: dict[str, str] = field(default_factory=dict)
    """Name of an expert with imported features -> the released collection that its row keys contain."""
    towers: dict[str, Tower] = field(default_factory=dict)
    """Name of an expert that is aligned with text -> its text tower."""
    has_rest: bool = False
    """Whether captions are looked for among videos that have none, too."""
    tokens: dict[str, Tower] = field(default_factory=dict)
    """The same experts -> the vectors of captions' tokens, for rows by late interaction; empty without such rows."""

    def key(self, expert: str, video: Video) -> str:
        """Key of the video's row in the store of the expert."""
        return row_key(self.imported[expert], video.video_id) if expert in self.imported else video.content


@dataclass(frozen=True)
class Split:
    """The captioned videos of a split, with their features and captions."""

    collection: Collection
    videos: list[Video]
    """The V videos, in the order of the collection."""
    tags: list[tuple[str, ...]]
    """For each of the C captions, the modalities that it refers to."""
    captions: list[str]
    """The text of each of the C captions."""
    blind: list[Video]
    """Videos of the split for which no expert has features; they are left out, and the report lists them."""

    @property
    def asked(self) -> list[Caption]:
        """The C captions, with all that is known of them."""
        return [caption for video in self.videos for caption in video.captions]


def collect(sources: Sources, *splits: str, to_report: bool = False) -> Split:
    """The splits, concatenated; raises TrainingError when they hold no captioned video or no features.

    `to_report`: with the videos without captions that the sources say are to choose from.
    """
    listed = [video for split in splits for video in sources.manifest.split(split)]
    if not listed:
        raise TrainingError(
            f"{sources.manifest.dataset}: no captioned video in the {' or '.join(splits)} split, so there is nothing "
            f"to {'train' if 'train' in splits else 'evaluate'} on; add captions, or change the splits"
        )
    if to_report and sources.has_rest:
        listed += _rest(sources.manifest, splits)
    with_features = _with_features(sources, listed)
    videos = [video for video in listed if video.video_id in with_features]
    blind = [video for video in listed if video.video_id not in with_features]
    if not videos:
        raise TrainingError(f"{sources.manifest.dataset}: no expert has features of any video in the {splits[0]} split")
    features = {
        expert.name: parts.read(
            sources.stores[expert.name], [sources.key(expert.name, video) for video in videos], expert.dim
        )
        for expert in sources.experts
    }
    captions = [caption for video in videos for caption in video.captions]
    owners = np.repeat(np.arange(len(videos)), [len(video.captions) for video in videos]).astype(np.int64)
    tokens = _tokens(sources, [caption.key for caption in captions])
    collection = Collection(sources.experts, sources.text, features, tokens, owners)
    return Split(collection, videos, [c.tags for c in captions], [c.text for c in captions], blind)


def _rest(manifest: Manifest, splits: Sequence[str]) -> list[Video]:
    """The videos without captions that are in one of the splits, or in none."""
    wanted = {UNLABELLED, *splits}
    return [one for one in manifest.videos if not one.captions and one.split in wanted and one.is_usable]


@dataclass(frozen=True)
class Bank:
    """Captions of the training split: the querybank of QB-Norm."""

    captions: list[str]
    tokens: Ragged
    """The token vectors of each."""


def bank(sources: Sources, at_most: int) -> Bank:
    """At most `at_most` captions, spread evenly over the training split."""
    captions = [caption for video in sources.manifest.split("train") for caption in video.captions]
    chosen = np.unique(np.linspace(0, len(captions) - 1, min(len(captions), at_most)).astype(np.int64))
    kept = [captions[index] for index in chosen]
    return Bank([caption.text for caption in kept], _tokens(sources, [caption.key for caption in kept]))


def _with_features(sources: Sources, videos: list[Video]) -> set[str]:
    """The ids of the videos for which at least one expert has a vector."""
    found = np.zeros(len(videos), np.bool_)
    for name, folder in sources.stores.items():
        found |= Held(store.table(folder), Keys(sources.key(name, video) for video in videos)).is_present
    return {videos[place].video_id for place in np.flatnonzero(found).tolist()}


def _tokens(sources: Sources, keys: list[str]) -> Ragged:
    """The token vectors of the caption with each key."""
    return parts.read(sources.text_store, keys, sources.text.dim)
