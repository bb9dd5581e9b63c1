"""A collection in an aligned space of which it is known what each caption needs.

Each of V videos has C channels: speech and two to four others. What a channel is about is a vector of the space, and
its row is that vector with noise. A caption needs one channel of its video, or two: it is the sum of what these are
about, with noise. Speech is treacherous: where a caption does not need it, often another video speaks of just what the
caption says. A tenth of the rows, and a fifth of those of speech, is missing. Without a signal each caption needs all
channels alike, nobody speaks of other videos and no row is missing, so that nothing sets one query apart from another.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.fusion.lists import Examples, Floats, Lists
from models.inputs.aligned import Aligned
from models.inputs.batches import Collection
from models.network_inputs import ExpertInput, TextInput
from pipeline.stores.ragged import Ragged

CHANNELS = ("speech", "look", "motion", "sound", "text")
SPEECH = 0
DIM = 48
SPLITS = {"train": 500, "val": 150, "test": 350}
"""Videos of each split: 1,000 in all."""
CAPTIONS = 2
"""Of each video."""
NEEDS_SPEECH = 0.2
"""Share of the captions."""
SPOKEN_ELSEWHERE = 0.75
"""Share of the captions that do not need speech of which another video speaks."""
NOISE, CAPTION_NOISE = 0.8, 0.4
"""Lengths of the noise in a row and in a caption, beside vectors of length 1."""
NOISE_WITHOUT_SIGNAL = 1.6
"""In a row, since all channels together find nearly everything."""
MISSING, MISSING_SPEECH = 0.1, 0.2


@dataclass(frozen=True)
class Split:
    """The V videos of a split, with CAPTIONS captions each."""

    channels: tuple[str, ...]
    rows: Floats
    """(C, V, DIM) of length 1; NaN where a video lacks a channel."""
    texts: Floats
    """(V * CAPTIONS, DIM) of length 1, grouped by video."""

    @property
    def owners(self) -> NDArray[np.int64]:
        """The video of each caption."""
        return np.repeat(np.arange(self.rows.shape[1]), CAPTIONS)

    def lists(self) -> Lists:
        """What each channel says of the videos, without any training: cosines."""
        cosines = np.einsum("qd,cvd->qcv", self.texts, self.rows).astype(np.float32)
        return Lists(cosines, cosines, self.rows.shape[1], averaged=True)

    def examples(self, weights: NDArray[np.float64]) -> Examples:
        """The captions with their videos; `weights` (C,): those without a selector."""
        lists, owners = self.lists(), self.owners
        known = lists.present.any(1)[np.arange(len(owners)), owners]
        return Examples(lists, np.repeat(weights[None], len(owners), 0), np.where(known, owners, -1), owners)

    def aligned(self) -> dict[str, Aligned]:
        """The channels' frozen vectors, from which a network with a head that starts there begins."""
        there = ~np.isnan(self.rows[..., 0])
        channels = zip(self.channels, self.rows, there, strict=True)
        return {name: Aligned(np.nan_to_num(rows), self.texts, has) for name, rows, has in sorted(channels, key=_name)}

    def collection(self, is_aligned: bool = False) -> Collection:
        """The split as the product's own training reads it."""
        there = ~np.isnan(self.rows[..., 0])
        features = {
            name: Ragged.stack([rows[v : v + has[v]] for v in range(len(rows))], DIM)
            for name, rows, has in zip(self.channels, self.rows, there, strict=True)
        }
        experts = tuple(ExpertInput(name, DIM) for name in sorted(self.channels))
        return Collection(
            experts,
            TextInput(DIM, 0, 0, 1),
            features,
            Ragged.stack(list(self.texts[:, None]), DIM),
            self.owners,
            aligned=self.aligned() if is_aligned else {},
        )


def _name(channel: tuple[str, Any, Any]) -> str:
    return channel[0]


def made(seed: int, has_signal: bool = True) -> dict[str, Split]:
    """Split -> its videos; the number of channels, 3 to 5, follows from the seed."""
    chance = np.random.default_rng(seed)
    channels = CHANNELS[: 3 + seed % 3]
    return {name: _split(chance, channels, count, has_signal) for name, count in SPLITS.items()}


def _split(chance: np.random.Generator, channels: tuple[str, ...], count: int, has_signal: bool) -> Split:
    about = unit(chance.normal(size=(len(channels), count, DIM)))
    owners = np.repeat(np.arange(count), CAPTIONS)
    needed = _needed(chance, len(owners), len(channels)) if has_signal else np.ones((len(owners), len(channels)))
    clean = unit(np.einsum("qc,cqd->qd", needed, about[:, owners]))
    texts = unit(clean + CAPTION_NOISE * unit(chance.normal(size=clean.shape)))
    rows = about.copy()
    if has_signal:
        for query in np.flatnonzero((needed[:, SPEECH] == 0) & (chance.random(len(owners)) < SPOKEN_ELSEWHERE)):
            other = (owners[query] + 1 + chance.integers(count - 1)) % count
            rows[SPEECH, other] = unit(rows[SPEECH, other] + texts[query])
    rows = unit(rows + (NOISE if has_signal else NOISE_WITHOUT_SIGNAL) * unit(chance.normal(size=rows.shape)))
    shares = np.where(np.arange(len(channels)) == SPEECH, MISSING_SPEECH, MISSING) * has_signal
    rows[chance.random((len(channels), count)) < shares[:, None]] = np.nan
    return Split(channels, rows.astype(np.float32), texts.astype(np.float32))


def _needed(chance: np.random.Generator, captions: int, channels: int) -> NDArray[np.float64]:
    """(Q, C), 1 for the one or two channels that each caption needs."""
    needed = np.zeros((captions, channels))
    for caption in needed:
        speaks = chance.random() < NEEDS_SPEECH
        others = 1 + chance.permutation(channels - 1)
        caption[SPEECH] = speaks
        caption[others[: chance.integers(0, 2) if speaks else chance.integers(1, 3)]] = 1
    return needed


def unit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The vectors, scaled to length 1."""
    return np.asarray(values / np.linalg.norm(values, axis=-1, keepdims=True))
