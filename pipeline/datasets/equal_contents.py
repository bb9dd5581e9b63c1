"""Counts the videos of a dataset that are equal to others, within a split and across splits."""

from collections import Counter
from itertools import combinations

from pipeline.datasets.splits import SPLITS
from pipeline.datasets.videos import Videos


def equal_contents(videos: Videos) -> dict[str, dict[str, int]]:
    """`within`: split -> its videos that are equal to another one of it; `across`: "train, test" -> contents in both.

    Equal are copies of a file, whatever they are called, and clips of the same seconds of copies. Splits and pairs
    without any are left out, and videos that cannot be read.
    """
    copies: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    for content, split, problem in zip(videos.contents, videos.splits, videos.column("problem"), strict=True):
        if split in copies and not problem:
            copies[split][content] += 1
    within = {split: sum(count for count in found.values() if count > 1) for split, found in copies.items()}
    across = {
        f"{one}, {other}": len(copies[one].keys() & copies[other].keys()) for one, other in combinations(SPLITS, 2)
    }
    return {name: {key: n for key, n in found.items() if n} for name, found in (("within", within), ("across", across))}
