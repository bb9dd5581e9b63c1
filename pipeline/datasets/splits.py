"""Splits of videos whose captions name none: a hash of the name decides, so that adding videos moves no other."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from pipeline import config

SPLITS = ("train", "val", "test")
FILL_SPLITS = (
    "add captions (of three videos that the column 'split' leaves open, each split has one), or change that column or "
    "split_fractions"
)
"""What to do about an empty split."""


@dataclass(frozen=True)
class SplitFractions:
    """Fractions of the videos per split, for captions that name no split; a hash of the name decides for each video."""

    __pydantic_config__ = config.STRICT
    train: float = 0.8
    val: float = 0.1
    test: float = 0.1

    def __post_init__(self) -> None:
        if min(self.train, self.val, self.test) < 0 or abs(self.train + self.val + self.test - 1) > 1e-6:
            raise ValueError("split_fractions: train, val and test must add up to 1")


def splits_by_hash(videos: Collection[str], fractions: SplitFractions, taken: Collection[str] = ()) -> dict[str, str]:
    """Video -> its split. No split with a fraction stays empty where there are videos enough for all of them.

    `taken`: splits that hold other videos. An empty split takes the videos whose hashes are nearest to its own share of
    the range, in the order of the hashes. That happens to small datasets only: in all others a video keeps its split
    whatever is added, and in these at most two others move.
    """
    order = sorted(videos, key=lambda video: (_draw(video), video))
    natural = [split_of(video, fractions) for video in order]
    needed = {split: getattr(fractions, split) > 0 and split not in taken for split in SPLITS}
    if len(order) >= sum(needed.values()):
        first_val, first_test = natural.count("train"), len(natural) - natural.count("test")
        first_test = min(first_test, len(order) - needed["test"])
        first_val = max(min(first_val, first_test - needed["val"]), int(needed["train"]))
        first_test = max(first_test, first_val + needed["val"])
        natural = ["train" if at < first_val else "val" if at < first_test else "test" for at in range(len(order))]
    return dict(zip(order, natural, strict=True))


def split_of(video: str, fractions: SplitFractions) -> str:
    """The split of a video by the hash of its name alone."""
    share = _draw(video)
    if share < fractions.train:
        return "train"
    return "val" if share < fractions.train + fractions.val else "test"


def _draw(video: str) -> float:
    """A number from 0 to 1 that the name decides."""
    return int.from_bytes(hashlib.sha256(video.encode()).digest()[:8], "big") / 2**64
