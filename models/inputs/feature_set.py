"""The features of several experts as a data set of PyTorch, padded and masked in batches.

B videos of a batch, T time steps, D feature.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from pipeline.errors import ConfigError
from pipeline.features.opened import OpenFeatures, open_features
from pipeline.stores.parts import Features


class VideoItem(NamedTuple):
    """One video."""

    video: str
    features: Mapping[str, Features]
    """Name of an expert -> (n, D); n is 0 where the expert found nothing, failed, or has not been run."""


class PaddedBatch(NamedTuple):
    """B videos; each dict has the experts' names as keys."""

    videos: list[str]
    values: dict[str, Tensor]
    """(B, T, D) float32, padded with zeros to the longest of the batch; T is at least 1."""
    times_s: dict[str, Tensor]
    """(B, T, 2) float64, start and end."""
    mask: dict[str, Tensor]
    """(B, T), True where there is a vector; all False for a video that lacks the expert."""


class FeatureSet(Dataset[VideoItem]):
    """Videos of one dataset with the features of several experts; give `collate` to the DataLoader."""

    def __init__(self, experts: Sequence[OpenFeatures], split: str = "", max_tokens: int = 0) -> None:
        """`split`: of its captioned videos only; empty: of all. `max_tokens`: only so many first vectors; 0: all.

        Videos that all of the experts lack are left out. ConfigError without experts, or where they are of several
        datasets.
        """
        if not experts or len({one.dataset for one in experts}) != 1:
            raise ConfigError("a FeatureSet needs experts, all of them of one dataset")
        self.experts = {one.expert: one for one in experts}
        self._most = max_tokens or None
        every = experts[0].manifest.videos
        wanted = every.ids if not split else [video.video_id for video in every.of_split(split)]
        self.videos = [video for video in wanted if any(video in one for one in experts)]

    @classmethod
    def open(
        cls,
        dataset: str,
        experts: Sequence[str],
        split: str = "",
        max_tokens: int = 0,
        data: Path | str | None = None,
        configs: Path | str | None = None,
    ) -> "FeatureSet":
        """The same by names; folders and errors as of `open_features`."""
        return cls([open_features(dataset, name, data, configs) for name in experts], split, max_tokens)

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, at: int) -> VideoItem:
        video = self.videos[at]
        return VideoItem(video, {name: self._features(one, video) for name, one in self.experts.items()})

    def _features(self, expert: OpenFeatures, video: str) -> Features:
        if video not in expert:
            return Features(np.zeros((0, expert.dim), np.float32), np.zeros((0, 2)))
        found = expert[video]
        return Features(found.values[: self._most], found.times_s[: self._most])


def collate(items: Sequence[VideoItem]) -> PaddedBatch:
    """The batch of some videos, padded to the longest of each expert."""
    batch = PaddedBatch([item.video for item in items], {}, {}, {})
    for name in items[0].features:
        features = [item.features[name] for item in items]
        counts = torch.tensor([len(one.values) for one in features])
        length = max(1, int(counts.max()))
        batch.values[name] = _padded([torch.from_numpy(one.values) for one in features], length)
        batch.times_s[name] = _padded([torch.from_numpy(one.times_s) for one in features], length)
        batch.mask[name] = torch.arange(length) < counts.unsqueeze(1)
    return batch


def _padded(rows: Sequence[Tensor], length: int) -> Tensor:
    """(B, length, ...) of rows that are at most so long."""
    padded = rows[0].new_zeros((len(rows), length, *rows[0].shape[1:]))
    for row, values in zip(padded, rows, strict=True):
        row[: len(values)] = values
    return padded
