"""Clips whose container's clock jumps: pieces that were recorded one after another and joined as bytes."""

import numpy as np

from tests.clips import make_clip, numbered, tone

FPS = 25


def piece(path, from_s, first=0, num=50, *, sound=True, **how):
    """A clip whose clock begins at `from_s`; its frames carry the numbers from `first` on, and it has a tone."""
    how = {"size": (64, 48), "seconds": num / FPS, "fps": FPS} | how
    return make_clip(
        path,
        times_s=from_s + np.arange(num) / FPS,
        picture=lambda index: numbered(first + index, how["size"]),
        sound=tone(num / FPS) if sound else None,
        sound_from_s=from_s,
        **how,
    )


def joined(path, starts_s, num=50, suffix="", **how):
    """The pieces that begin at `starts_s`, `num` frames each, numbered through, as one file."""
    parts = []
    for number, from_s in enumerate(starts_s):
        part = path.with_name(f"piece{number}{suffix or path.suffix}")
        parts.append(piece(part, from_s, number * num, num, **how).read_bytes())
    path.write_bytes(b"".join(parts))
    return path
