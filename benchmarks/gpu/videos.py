"""Generated clips with something for each expert: a face, a word, things that move, and sound like syllables."""

from pathlib import Path

import numpy as np

from tests.clips import AUDIO_HZ, make_clip

NARROW, WIDE = (320, 240), (1280, 720)
FPS = 25


def clips(folder: Path, size: tuple[int, int], seconds: float, copies: int) -> list[Path]:
    """Copies of one clip, which is made where it is not there yet; to a pass they are so many videos."""
    first = folder / f"{size[1]}p-{seconds:g}s-0.mp4"
    if not first.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / "partial.mp4"
        make_clip(partial, size=size, fps=FPS, seconds=seconds, picture=pictures(size), sound=sound(seconds))
        partial.rename(first)
    paths = [first.with_stem(f"{size[1]}p-{seconds:g}s-{number}") for number in range(copies)]
    for path in paths:
        if not path.exists():
            path.hardlink_to(first)
    return paths


def pictures(size: tuple[int, int]):
    """Index -> a picture, cut from one scene that is larger: as real ones are, it is neither flat nor noise."""
    import cv2
    from skimage import data

    width, height = size
    chance = np.random.default_rng(0)
    coarse = chance.integers(0, 256, (height // 20, width // 10, 3), np.uint8)
    scene = cv2.resize(coarse, (2 * width, height), interpolation=cv2.INTER_CUBIC)
    fine = chance.integers(-2, 3, scene.shape, np.int16)
    scene = np.clip(scene.astype(np.int16) // 2 + 64 + fine, 0, 255).astype(np.uint8)
    side = height // 2
    face = cv2.resize(np.ascontiguousarray(data.astronaut()[:260, 90:350]), (side, side), interpolation=cv2.INTER_AREA)
    word = {"fontFace": cv2.FONT_HERSHEY_SIMPLEX, "fontScale": height / 150, "thickness": max(2, height // 80)}

    def picture(index: int) -> np.ndarray:
        left = 4 * index % width
        shown = scene[:, left : left + width].copy()
        across = 3 * index % (width - side)
        shown[height // 20 : height // 20 + side, across : across + side] = face
        cv2.putText(shown, "HARBOR", (width // 8, height * 9 // 10), color=(0, 0, 0), **word)
        return shown

    return picture


def sound(seconds: float) -> np.ndarray:
    """(S,) tones of a voice's height that swell four times a second."""
    times_s = np.arange(round(seconds * AUDIO_HZ)) / AUDIO_HZ
    voice = sum(
        np.sin(2 * np.pi * hz * times_s) / (number + 1) for number, hz in enumerate((140, 280, 700, 1200, 2600))
    )
    return (0.2 * voice * np.abs(np.sin(2 * np.pi * 2 * times_s))).astype(np.float32)
