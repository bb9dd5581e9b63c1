"""Features as experts keep them, drawn by chance."""

import weakref

import numpy as np

from pipeline.export.source import Source, VideoFeatures
from pipeline.stores.parts import Features

RECIPE = {"extractor": "seen", "version": 3, "params": {"fps": 2.0}, "weights": {"network": "ab" * 32}}


def source(dim=3, expert="seen_light"):
    return Source(
        "tiny", expert, dim, "rgb", "timm/some.net", "0123456789ab", RECIPE, RECIPE["weights"], "MIT, BSD-3-Clause"
    )


def words(count, dim=3, seed=0):
    """Features with all kinds of extras, and with values that a detour through double or text would change."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(count, dim)).astype(np.float32)
    if count and dim:
        values.reshape(-1).view(np.uint32)[0] = 0x7FC01234  # a NaN with a payload
    starts = random.random(count) * 60
    return Features(
        values,
        np.stack([starts, starts + 1 / 3], axis=1),
        {
            "text": np.array([f"straße {number} “東京”" for number in range(count)], np.str_),
            "confidence": random.random(count).astype(np.float32),
            "box_px": random.random((count, 4)).astype(np.float32),
            "labels": np.array([[f"a{number}", "b, c"] for number in range(count)], np.str_).reshape(count, 2),
        },
    )


def videos(counts, dim=3):
    """A video with so many vectors each; the first ids hold a folder, a dot and a percent sign."""
    names = ["a/b.mp4", "a/b.mkv", "50%.mp4"]
    for number, count in enumerate(counts):
        video = names[number] if number < len(names) else f"v{number}.mp4"
        yield VideoFeatures(video, f"{number:032x}", words(count, dim, number))


class Counted:
    """Videos of plain vectors, made one by one; `most` is the most rows that were alive at once."""

    def __init__(self, num_videos, rows, dim):
        self._shape, self._num, self._alive, self.most = (rows, dim), num_videos, 0, 0

    def __iter__(self):
        rows, dim = self._shape
        for number in range(self._num):
            values = np.full((rows, dim), number, np.float32)
            weakref.finalize(values, self._gone, rows)
            self._alive += rows
            self.most = max(self.most, self._alive)
            yield VideoFeatures(f"v{number}", "0" * 32, Features(values, np.zeros((rows, 2))))
            del values

    def _gone(self, rows):
        self._alive -= rows
