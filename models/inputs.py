"""From manifest and stores to the arrays that training takes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.batches import Collection
from models.config import ExpertInput, TextInput
from pipeline import parts, store
from pipeline.errors import TrainingError
from pipeline.manifest import Manifest, Video
from pipeline.ragged import Ragged


@dataclass(frozen=True)
class Sources:
    """Where a run finds what it is made from."""

    manifest: Manifest
    experts: tuple[ExpertInput, ...]
    stores: dict[str, Path]
    """Expert name -> store of its features."""
    text: TextInput
    text_store: Path


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


def collect(sources: Sources, split: str) -> Split:
    """The split as arrays; TrainingError when there is nothing in it."""
    listed = sources.manifest.split(split)
    if not listed:
        raise TrainingError(
            f"{sources.manifest.dataset}: no captioned video in the {split} split, so there is nothing to "
            f"{'train' if split == 'train' else 'evaluate'} on; add captions, or change the splits"
        )
    seen = _seen(sources)
    videos = [video for video in listed if video.content in seen]
    blind = [video for video in listed if video.content not in seen]
    if not videos:
        raise TrainingError(f"{sources.manifest.dataset}: no expert has features of any video in the {split} split")
    keys = [video.content for video in videos]
    features = {expert.name: parts.read(sources.stores[expert.name], keys, expert.dim) for expert in sources.experts}
    captions = [caption for video in videos for caption in video.captions]
    owners = np.repeat(np.arange(len(videos)), [len(video.captions) for video in videos]).astype(np.int64)
    tokens = _tokens(sources, [caption.key for caption in captions])
    collection = Collection(sources.experts, sources.text, features, tokens, owners)
    return Split(collection, videos, [c.tags for c in captions], [c.text for c in captions], blind)


def _seen(sources: Sources) -> set[str]:
    """The contents of which at least one expert has a vector."""
    return {row.key for folder in sources.stores.values() for row in store.rows(folder).values() if row.count}


def _tokens(sources: Sources, keys: list[str]) -> Ragged:
    """The token vectors of each caption; equal captions are read once."""
    unique = list(dict.fromkeys(keys))
    place = {key: index for index, key in enumerate(unique)}
    return parts.read(sources.text_store, unique, sources.text.dim).take([place[key] for key in keys])
