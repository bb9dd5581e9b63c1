"""From manifest and stores to the arrays that training takes."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from models.inputs.batches import Collection
from models.network_inputs import ExpertInput, TextInput
from pipeline.datasets.manifest import Manifest, Video
from pipeline.errors import TrainingError
from pipeline.released.feature_import import row_key
from pipeline.stores import parts, store
from pipeline.stores.ragged import Ragged


@dataclass(frozen=True)
class Sources:
    """Where a run finds what it is made from."""

    manifest: Manifest
    experts: tuple[ExpertInput, ...]
    stores: dict[str, Path]
    """Expert name -> store of its features."""
    text: TextInput
    text_store: Path
    imported: dict[str, str] = field(default_factory=dict)
    """Expert whose features were imported -> the collection that names its rows."""

    def key(self, expert: str, video: Video) -> str:
        """Names the row of the video in the store of the expert."""
        return row_key(self.imported[expert], video.video_id) if expert in self.imported else video.content


@dataclass(frozen=True)
class Split:
    """The captioned videos of a split with what the experts saw of them."""

    collection: Collection
    videos: list[Video]
    """V, in the order of the collection."""
    tags: list[tuple[str, ...]]
    """C, the modalities that each caption speaks of."""
    captions: list[str]
    """C"""
    blind: list[Video]
    """Videos of the split of which no expert has anything; they take no part, and the report names them."""


def collect(sources: Sources, *splits: str) -> Split:
    """The splits, one after another, as arrays; TrainingError when there is nothing in them."""
    listed = [video for split in splits for video in sources.manifest.split(split)]
    if not listed:
        raise TrainingError(
            f"{sources.manifest.dataset}: no captioned video in the {' or '.join(splits)} split, so there is nothing "
            f"to {'train' if 'train' in splits else 'evaluate'} on; add captions, or change the splits"
        )
    seen = _seen(sources, listed)
    videos = [video for video in listed if video.video_id in seen]
    blind = [video for video in listed if video.video_id not in seen]
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


def bank(sources: Sources, at_most: int) -> Ragged:
    """Token vectors of captions of the training split, spread evenly over it when there are more than `at_most`."""
    keys = [caption.key for video in sources.manifest.split("train") for caption in video.captions]
    chosen = np.unique(np.linspace(0, len(keys) - 1, min(len(keys), at_most)).astype(np.int64))
    return _tokens(sources, [keys[index] for index in chosen])


def _seen(sources: Sources, videos: list[Video]) -> set[str]:
    """The ids of the videos of which at least one expert has a vector."""
    seen = set()
    for name, folder in sources.stores.items():
        there = {row.key for row in store.rows(folder).values() if row.count}
        seen |= {video.video_id for video in videos if sources.key(name, video) in there}
    return seen


def _tokens(sources: Sources, keys: list[str]) -> Ragged:
    """The token vectors of each caption; equal captions are read once."""
    unique = list(dict.fromkeys(keys))
    place = {key: index for index, key in enumerate(unique)}
    return parts.read(sources.text_store, unique, sources.text.dim).take([place[key] for key in keys])
