"""Generated videos that cost a decoder what real ones do: moving photographs with texture and grain, and sound."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.clips import make_clip

FPS = 25
SHOT = 96
"""Frames from one cut to the next."""


class Kind(NamedTuple):
    """A video to generate."""

    size: tuple[int, int]
    codec: str
    encoder: dict[str, str]

    @property
    def name(self) -> str:
        """As in the table, e.g. "h264-1080p"."""
        return f"{self.codec.removeprefix('lib').replace('x26', 'h26')}-{self.size[1]}p"


_X264 = {"preset": "veryfast", "crf": "19", "bf": "3", "g": "250"}
KINDS = (
    Kind((320, 240), "libx264", _X264),
    Kind((1280, 720), "libx264", _X264),
    Kind((1920, 1080), "libx264", _X264),
    Kind(
        (1280, 720),
        "libx265",
        {"preset": "superfast", "crf": "26", "x265-params": "log-level=none:pools=none:bframes=3"},
    ),
    Kind((1280, 720), "libvpx-vp9", {"crf": "36", "b": "0", "deadline": "realtime", "cpu-used": "6"}),
    Kind((1280, 720), "libsvtav1", {"preset": "10", "crf": "38"}),
)


def videos(folder: Path, seconds: float, kinds: tuple[Kind, ...] = KINDS) -> list[Path]:
    """The files, one of each kind, which are made where they are not there yet."""
    paths = []
    for kind in kinds:
        path = folder / f"{kind.name}-{seconds:g}s.mp4"
        if not path.exists():
            partial = path.with_name(f"partial-{path.name}")
            make_clip(
                partial,
                size=kind.size,
                fps=FPS,
                seconds=seconds,
                picture=pictures(kind.size),
                codec=kind.codec,
                encoder={"colorspace": "smpte170m", **kind.encoder},  # untagged, FFmpeg and players differ
            )
            partial.rename(path)
        paths.append(path)
    return paths


def pictures(size: tuple[int, int]) -> Callable[[int], NDArray[np.uint8]]:
    """Index -> a picture: a camera that pans and zooms over a textured photograph, before which another one moves."""
    import cv2
    from skimage import data

    width, height = size
    photos = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    textures = [data.gravel(), data.grass(), data.brick()]
    scenes = [_scene(photo, textures[at % len(textures)], width, height) for at, photo in enumerate(photos)]
    actors = [cv2.resize(photo, (width // 4, height // 3), interpolation=cv2.INTER_AREA) for photo in photos]
    grain = np.random.default_rng(0).normal(0, 2, (height + 64, width + 64, 1)).astype(np.int8)

    def picture(index: int) -> NDArray[np.uint8]:
        shot, at = divmod(index, SHOT)
        scene, actor = scenes[shot % len(scenes)], actors[(shot + 1) % len(actors)]
        zoom = 1 / (1 + 0.002 * at)
        view = np.array([[zoom, 0, 1.3 * at * width / 1280], [0, zoom, 0.4 * at * height / 720]])
        shown = cv2.warpAffine(scene, view, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        left = round((width - actor.shape[1]) * (0.5 + 0.45 * np.sin(index / 17)))
        top = round((height - actor.shape[0]) * (0.5 + 0.4 * np.cos(index / 23)))
        shown[top : top + actor.shape[0], left : left + actor.shape[1]] = actor
        noise = grain[index * 7 % 64 :, index * 13 % 64 :][:height, :width]
        return np.clip(shown.astype(np.int16) + noise, 0, 255).astype(np.uint8)

    return picture


def _scene(photo: NDArray[np.uint8], texture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The photograph with texture in it, in one and a half times the size of the picture."""
    import cv2

    across, down = 3 * width // 2, 3 * height // 2
    large: Any = cv2.resize(photo, (across, down), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    tiles = np.tile(texture, (down // texture.shape[0] + 1, across // texture.shape[1] + 1))[:down, :across]
    return np.clip(large + (tiles.astype(np.int16)[..., None] - 128) // 4, 0, 255).astype(np.uint8)
