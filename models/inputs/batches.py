"""Captions and features as arrays, and as the batches that a network is given.

V videos, C captions, B videos of a batch, E experts, T time steps, W words, D feature, N vectors in all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.network_inputs import ExpertInput, TextInput
from models.networks.ce import Embeddings, score
from pipeline.errors import TrainingError
from pipeline.stores.ragged import Ragged

SHARE_OF_GPU = 0.5
"""Of a GPU's free memory that the vectors of a split may take, the rest being for the network and what it computes."""


@dataclass(frozen=True)
class Teacher:
    """What another network, trained on the same videos and captions, makes of them."""

    captions: Embeddings
    """Of C, in the order of the collection."""
    videos: Embeddings
    """Of V."""

    def scores(self, videos: Tensor, captions: Tensor) -> Tensor:
        """(B, B) scores of the captions at these rows against the videos at those."""
        return score(self.captions.take(captions), self.videos.take(videos))


@dataclass(frozen=True)
class Collection:
    """The videos and captions of one split."""

    experts: tuple[ExpertInput, ...]
    text: TextInput
    features: dict[str, Ragged]
    """By name of expert: V rows; an empty row = the video lacks the expert."""
    tokens: Ragged
    """C rows of word vectors."""
    caption_video: NDArray[np.int64]
    """(C,), which video a caption belongs to, in any order."""
    teachers: tuple[Teacher, ...] = ()
    """Networks whose scores are learned too."""

    def __post_init__(self) -> None:
        lengths = {expert.name: len(self.features[expert.name]) for expert in self.experts}
        if len(set(lengths.values())) != 1:
            raise TrainingError(f"the experts have features of different numbers of videos: {lengths}")
        if len(self.tokens) != len(self.caption_video):
            raise TrainingError(f"{len(self.tokens)} captions, but {len(self.caption_video)} videos for them")
        for caption in np.flatnonzero((self.caption_video < 0) | (self.caption_video >= self.num_videos))[:1]:
            owner = self.caption_video[caption]
            raise TrainingError(f"caption {caption} belongs to video {owner}, and there are {self.num_videos}")
        for expert in self.experts:
            _check(expert.name, self.features[expert.name], expert.dim)
        _check("text", self.tokens, self.text.dim)

    @property
    def num_videos(self) -> int:
        """V"""
        return len(self.features[self.experts[0].name])


@dataclass(frozen=True)
class Videos:
    """Arguments of `CE.embed_videos`."""

    experts: dict[str, Tensor]
    available: dict[str, Tensor]
    counts: dict[str, Tensor]


@dataclass(frozen=True)
class Texts:
    """Arguments of `CE.embed_texts`."""

    text: Tensor
    """(N, W, D)"""
    counts: Tensor
    """(N,)"""


class Batch(NamedTuple):
    """B videos, each with one caption."""

    videos: Videos
    texts: Texts
    taught: Tensor | None
    """(N, B, B), what N teachers score the captions against the videos; None without any."""


@dataclass(frozen=True)
class _Rows:
    """Ragged rows whose values are on the device."""

    values: Tensor
    """(N + 1, D), the last one zeros, so that a row without any vector has something to point at."""
    starts: Tensor
    counts: Tensor
    """(V,), at most `max_tokens`."""
    max_tokens: int

    @classmethod
    def of(cls, ragged: Ragged, max_tokens: int, device: torch.device) -> "_Rows":
        """The first `max_tokens` of each row."""
        values = torch.from_numpy(np.concatenate([ragged.values, np.zeros((1, ragged.dim), np.float32)])).to(device)
        counts = torch.from_numpy(ragged.counts).clamp(max=max_tokens)
        return cls(values, torch.from_numpy(ragged.offsets[:-1]), counts, max_tokens)

    def padded(self, rows: Tensor, trim: bool) -> tuple[Tensor, Tensor]:
        """The rows (B, T, D) with zeros behind, and how many of each are real; `trim` cuts the zeros common to all.

        The rows are where the values are, the numbers on the CPU.
        """
        counts = self.counts[rows]
        length = max(1, int(counts.max())) if trim else self.max_tokens
        steps = torch.arange(length)
        zeros = len(self.values) - 1
        where = torch.where(steps < counts.unsqueeze(1), self.starts[rows].unsqueeze(1) + steps, zeros)
        return self.values[where.to(self.values.device)], counts


class Data:
    """A collection on a device, ready to be cut into batches; rows are always asked for by indices on the CPU.

    Tokens stay ragged until they are in a batch: padded they would be several times as large. `trim` pads a batch only
    to its own longest row, which is right for a network that ignores padding, and only for that. What does not fit on a
    GPU beside the network stays in memory, from where each batch is sent.
    """

    def __init__(self, collection: Collection, device: torch.device, trim: bool) -> None:
        self.collection, self.device, self.trim = collection, device, trim
        home = place(collection, device)
        features = {expert: collection.features[expert.name] for expert in collection.experts}
        self.pooled = {e.name: mean(rows).to(home) for e, rows in features.items() if e.pool == "mean"}
        self.ragged = {e.name: _Rows.of(rows, e.max_tokens, home) for e, rows in features.items() if e.pool == "vlad"}
        self.available = {e.name: torch.from_numpy(rows.counts > 0).to(home) for e, rows in features.items()}
        self.tokens = _Rows.of(collection.tokens, collection.text.max_tokens, home)

    def videos(self, rows: Tensor) -> Videos:
        """The videos at `rows` (B,)."""
        there = {name: rows_of.padded(rows, self.trim) for name, rows_of in self.ragged.items()}
        rows = rows.to(next(iter(self.available.values())).device)
        experts = {name: values[rows] for name, values in self.pooled.items()}
        return Videos(
            self._sent(experts | {name: tokens for name, (tokens, _) in there.items()}),
            self._sent({name: available[rows] for name, available in self.available.items()}),
            self._sent({name: counts for name, (_, counts) in there.items()}),
        )

    def texts(self, rows: Tensor) -> Texts:
        """The captions at `rows` (N,)."""
        text, counts = self.tokens.padded(rows, self.trim)
        return Texts(**self._sent({"text": text, "counts": counts}))

    def taught(self, videos: Tensor, captions: Tensor) -> Tensor | None:
        """(N, B, B), the scores of the captions at these rows against the videos at those by N teachers, if any."""
        teachers = self.collection.teachers
        return torch.stack([teacher.scores(videos, captions) for teacher in teachers]) if teachers else None

    def _sent(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """The values on the device; the copies to a GPU go on while the next batch is put together."""
        if self.device.type == "cuda":
            values = {name: one if one.is_cuda else one.pin_memory() for name, one in values.items()}
        return {name: one.to(self.device, non_blocking=True) for name, one in values.items()}


def place(collection: Collection, device: torch.device) -> torch.device:
    """Where the vectors of a collection are kept: on the device, unless it is a GPU with too little free memory."""
    if device.type != "cuda":
        return device
    pooled = [len(collection.features[e.name]) * e.dim * 4 for e in collection.experts if e.pool == "mean"]
    ragged = [collection.features[e.name].values.nbytes for e in collection.experts if e.pool == "vlad"]
    free_bytes, _ = torch.cuda.mem_get_info(device)
    fits = sum([*pooled, *ragged, collection.tokens.values.nbytes]) <= SHARE_OF_GPU * free_bytes
    return device if fits else torch.device("cpu")


def mean(ragged: Ragged) -> Tensor:
    """(V, D), the mean of each row; zeros of a row without any vector."""
    means = np.zeros((len(ragged), ragged.dim))
    present = ragged.counts > 0
    if present.any():
        # Empty rows take no part: reduceat gives the value at the start where start and end are equal, instead of 0.
        sums = np.add.reduceat(ragged.values, ragged.offsets[:-1][present], axis=0, dtype=np.float64)
        means[present] = sums / ragged.counts[present, None]
    return torch.from_numpy(means.astype(np.float32))


def picks(collection: Collection, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Every video that has an expert and a caption, in random order, and for each a random one of its captions."""
    num_captions = np.bincount(collection.caption_video, minlength=collection.num_videos)
    seen = np.any([collection.features[expert.name].counts > 0 for expert in collection.experts], axis=0)
    videos = torch.from_numpy(np.flatnonzero((num_captions > 0) & seen))
    if not len(videos):
        raise TrainingError("no video of the training split has both a caption and an expert that saw something")
    videos = videos[torch.randperm(len(videos), generator=generator)]
    grouped = torch.from_numpy(np.argsort(collection.caption_video, kind="stable"))
    first = torch.from_numpy(np.cumsum(num_captions) - num_captions)[videos]
    drawn = torch.rand(len(videos), generator=generator, dtype=torch.float64) * torch.from_numpy(num_captions)[videos]
    return videos, grouped[first + drawn.long()]


def epoch(data: Data, batch_size: int, generator: torch.Generator) -> Iterator[Batch]:
    """Batches of videos, each with one caption, until every video had its turn.

    A single video left over joins the batch before: alone it has neither a wrong pair nor batch statistics.
    """
    videos, captions = picks(data.collection, generator)
    borders = list(range(0, len(videos), batch_size))
    if len(videos) - borders[-1] == 1 and len(borders) > 1:
        borders.pop()
    for start, end in zip(borders, [*borders[1:], len(videos)], strict=True):
        chosen, said = videos[start:end], captions[start:end]
        yield Batch(data.videos(chosen), data.texts(said), data.taught(chosen, said))


def _check(name: str, ragged: Ragged, dim: int) -> None:
    if ragged.dim != dim:
        raise TrainingError(f"{name}: vectors of length {ragged.dim} where the network expects {dim}")
    if not np.isfinite(ragged.values).all():
        row = int(np.searchsorted(ragged.offsets, np.argwhere(~np.isfinite(ragged.values))[0, 0], side="right")) - 1
        raise TrainingError(f"{name}: row {row} holds a value that is not finite; extract it anew")
