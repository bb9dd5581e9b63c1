"""Holds the features and captions of a split as arrays, and cuts them into batches.

V videos, C captions, B videos of a batch, E experts, T time steps, W words, D feature, N vectors in all.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.inputs.aligned import Aligned
from models.inputs.rows import Rows, mean
from models.network_inputs import ExpertInput, TextInput
from models.networks.ce import Embeddings, score
from pipeline.errors import TrainingError
from pipeline.stores.ragged import Ragged

SHARE_OF_GPU = 0.5
"""Share of a GPU's free memory for the vectors of a split; the rest is for the network and its activations."""
CHECKED_AT_ONCE = 1 << 14
"""Number of vectors that are looked through at once."""


@dataclass(frozen=True)
class Teacher:
    """Embeddings of a split by another network, which was trained on the same videos and captions."""

    captions: Embeddings
    """Embeddings of the C captions, in the order of the collection."""
    videos: Embeddings
    """Embeddings of the V videos."""

    def scores(self, videos: Tensor, captions: Tensor) -> Tensor:
        """(B, B) scores; row i is the caption at `captions[i]`, column j the video at `videos[j]`."""
        return score(self.captions.take(captions), self.videos.take(videos))


@dataclass(frozen=True)
class Collection:
    """The videos and captions of one split. Raises TrainingError when the arrays do not match."""

    experts: tuple[ExpertInput, ...]
    text: TextInput
    features: dict[str, Ragged]
    """Name of an expert -> V rows; an empty row means that the video lacks the expert."""
    tokens: Ragged
    """C rows of token vectors."""
    caption_video: NDArray[np.int64]
    """(C,), index of the video that each caption belongs to, in any order."""
    teachers: tuple[Teacher, ...] = ()
    """Networks whose scores are a second target of the training."""
    aligned: Mapping[str, Aligned] = field(default_factory=dict)
    """Name of an expert -> its frozen vectors, for networks that start from their scores; empty for all others."""

    def __post_init__(self) -> None:
        lengths = {expert.name: len(self.features[expert.name]) for expert in self.experts}
        if len(set(lengths.values())) != 1:
            raise TrainingError(f"the experts have features of different numbers of videos: {lengths}")
        if len(self.tokens) != len(self.caption_video):
            raise TrainingError(f"{len(self.tokens)} captions, but {len(self.caption_video)} videos for them")
        for caption in np.flatnonzero((self.caption_video < 0) | (self.caption_video >= self.num_videos))[:1]:
            video = self.caption_video[caption]
            raise TrainingError(f"caption {caption} belongs to video {video}, and there are {self.num_videos}")
        for expert in self.experts:
            _check(expert.name, self.features[expert.name], expert.dim)
        _check("text", self.tokens, self.text.dim)

    @property
    def num_videos(self) -> int:
        """Number of videos, V."""
        return len(self.features[self.experts[0].name])


@dataclass(frozen=True)
class Videos:
    """Arguments of `CE.embed_videos`."""

    experts: dict[str, Tensor]
    available: dict[str, Tensor]
    counts: dict[str, Tensor]
    aligned: dict[str, Tensor]


@dataclass(frozen=True)
class Texts:
    """Arguments of `CE.embed_texts`."""

    text: Tensor
    """(N, W, D), padded with zeros."""
    counts: Tensor
    """(N,), number of real tokens."""
    aligned: dict[str, Tensor]


class Batch(NamedTuple):
    """B videos, each with one caption."""

    videos: Videos
    texts: Texts
    teacher_scores: Tensor | None
    """(N, B, B), scores of the captions against the videos by N teachers; None without teachers."""


class Data:
    """A collection on a device, from which batches are taken; rows are given as indices on the CPU.

    Tokens are padded batch by batch: padded all at once they would take several times the memory. On a CPU they stay in
    the collection, whose large arrays are mapped files. `trim` pads a batch
    to its own longest row, which is only right for a network that ignores padding. A collection that does not fit on
    the GPU beside the network stays in main memory, and its batches are copied.
    """

    def __init__(self, collection: Collection, device: torch.device, trim: bool) -> None:
        self.collection, self.device, self.trim = collection, device, trim
        storage = storage_device(collection, device)
        features = {expert: collection.features[expert.name] for expert in collection.experts}
        self.pooled = {e.name: mean(rows).to(storage) for e, rows in features.items() if e.pool == "mean"}
        self.ragged = {e.name: Rows.of(rows, e.max_tokens, storage) for e, rows in features.items() if e.pool == "vlad"}
        self.available = {e.name: torch.from_numpy(rows.counts > 0).to(storage) for e, rows in features.items()}
        self.tokens = Rows.of(collection.tokens, collection.text.max_tokens, storage)
        frozen = collection.aligned.items()
        self.aligned = {name: torch.from_numpy(pair.videos).to(storage) for name, pair in frozen}
        self.aligned_texts = {name: torch.from_numpy(pair.texts).to(storage) for name, pair in frozen}

    def videos(self, rows: Tensor) -> Videos:
        """The videos at `rows` (B,)."""
        padded = {name: ragged.padded(rows, self.trim) for name, ragged in self.ragged.items()}
        rows = rows.to(next(iter(self.available.values())).device)
        experts = {name: values[rows] for name, values in self.pooled.items()}
        return Videos(
            self._on_device(experts | {name: tokens for name, (tokens, _) in padded.items()}),
            self._on_device({name: available[rows] for name, available in self.available.items()}),
            self._on_device({name: counts for name, (_, counts) in padded.items()}),
            self._on_device({name: values[rows] for name, values in self.aligned.items()}),
        )

    def texts(self, rows: Tensor) -> Texts:
        """The captions at `rows` (N,)."""
        text, counts = self.tokens.padded(rows, self.trim)
        frozen = {name: values[rows.to(values.device)] for name, values in self.aligned_texts.items()}
        return Texts(**self._on_device({"text": text, "counts": counts}), aligned=self._on_device(frozen))

    def teacher_scores(self, videos: Tensor, captions: Tensor) -> Tensor | None:
        """(N, B, B), scores of the captions against the videos at these rows by N teachers; None without teachers."""
        teachers = self.collection.teachers
        return torch.stack([teacher.scores(videos, captions) for teacher in teachers]) if teachers else None

    def _on_device(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """The values on the device; copies to a GPU are asynchronous, so that the next batch is prepared meanwhile."""
        if self.device.type == "cuda":
            values = {name: value if value.is_cuda else value.pin_memory() for name, value in values.items()}
        return {name: value.to(self.device, non_blocking=True) for name, value in values.items()}


def storage_device(collection: Collection, device: torch.device) -> torch.device:
    """Where to keep the vectors of a collection: on `device`, or on the CPU if a GPU has too little free memory."""
    if device.type != "cuda":
        return device
    pooled = [len(collection.features[e.name]) * e.dim * 4 for e in collection.experts if e.pool == "mean"]
    ragged = [collection.features[e.name].values.nbytes for e in collection.experts if e.pool == "vlad"]
    free_bytes, _ = torch.cuda.mem_get_info(device)
    fits = sum([*pooled, *ragged, collection.tokens.values.nbytes]) <= SHARE_OF_GPU * free_bytes
    return device if fits else torch.device("cpu")


def draw_pairs(collection: Collection, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Indices of all videos with features and captions, shuffled, and for each the index of one of its captions.

    Raises TrainingError when there is no such video.
    """
    num_captions = np.bincount(collection.caption_video, minlength=collection.num_videos)
    has_features = np.any([collection.features[expert.name].counts > 0 for expert in collection.experts], axis=0)
    videos = torch.from_numpy(np.flatnonzero((num_captions > 0) & has_features))
    if not len(videos):
        raise TrainingError("no video of the training split has both a caption and an expert that saw something")
    videos = videos[torch.randperm(len(videos), generator=generator)]
    grouped = torch.from_numpy(np.argsort(collection.caption_video, kind="stable"))
    first = torch.from_numpy(np.cumsum(num_captions) - num_captions)[videos]
    drawn = torch.rand(len(videos), generator=generator, dtype=torch.float64) * torch.from_numpy(num_captions)[videos]
    return videos, grouped[first + drawn.long()]


def epoch(data: Data, batch_size: int, generator: torch.Generator) -> Iterator[Batch]:
    """The batches of one pass over all videos, each with one of its captions.

    A single video left at the end joins the batch before it: alone it has no wrong pair and no batch statistics.
    """
    videos, captions = draw_pairs(data.collection, generator)
    borders = list(range(0, len(videos), batch_size))
    if len(videos) - borders[-1] == 1 and len(borders) > 1:
        borders.pop()
    for start, end in zip(borders, [*borders[1:], len(videos)], strict=True):
        rows, texts = videos[start:end], captions[start:end]
        yield Batch(data.videos(rows), data.texts(texts), data.teacher_scores(rows, texts))


def _check(name: str, ragged: Ragged, dim: int) -> None:
    """Raises TrainingError for vectors of another length than `dim`, and for values that are not finite."""
    if ragged.dim != dim:
        raise TrainingError(f"{name}: vectors of length {ragged.dim} where the network expects {dim}")
    for start in range(0, len(ragged.values), CHECKED_AT_ONCE):
        is_finite = np.isfinite(ragged.values[start : start + CHECKED_AT_ONCE]).all(axis=1)
        if not is_finite.all():
            row = int(np.searchsorted(ragged.offsets, start + is_finite.argmin(), side="right")) - 1
            raise TrainingError(f"{name}: row {row} holds a value that is not finite; extract it anew")
