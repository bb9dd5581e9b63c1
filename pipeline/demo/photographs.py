"""Photographs of things, which other packages carry, as backgrounds of demo videos.

None is downloaded or copied into the repository. The temple (by danielbuechele) and the flower (by vultilion) are CC BY
2.0, see the README.txt beside them; the others are CC0, in the public domain, or without known restrictions.
H, W: frame size in pixels.
"""

import functools
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from pipeline.demo.scenes import Pixels
from pipeline.errors import PipelineError

SIZES = (0.8, 1.0)
"""Height of the part that is shown, to the greatest that the photograph has."""
SHIFT = 0.06
"""Greatest distance of its centre from the centre of the thing, to the photograph's width or height."""
BRIGHTNESS = (0.75, 1.0)


@dataclass(frozen=True)
class Source:
    """Files of a package, of which one is chosen, and where in them the thing is."""

    package: str
    files: tuple[str, ...]
    centre: tuple[float, float] = (0.5, 0.5)
    """x and y, to the width and the height of the photograph."""


PHOTOGRAPHS = {
    "cat": Source("skimage", ("data/chelsea.png",), (0.42, 0.5)),
    "coffee": Source("skimage", ("data/coffee.png",), (0.48, 0.45)),
    "rocket": Source("skimage", ("data/rocket.jpg",)),
    "motorcycle": Source("skimage", ("data/motorcycle_left.png", "data/motorcycle_right.png"), (0.52, 0.5)),
    "coins": Source("skimage", ("data/coins.png",)),
    "moon": Source("skimage", ("data/moon.png",)),
    "photographer": Source("skimage", ("data/camera.png",), (0.45, 0.4)),
    "temple": Source("sklearn", ("datasets/images/china.jpg",), (0.35, 0.5)),
    "flower": Source("sklearn", ("datasets/images/flower.jpg",), (0.48, 0.5)),
    "officer": Source("matplotlib", ("mpl-data/sample_data/grace_hopper.jpg",), (0.5, 0.42)),
}
"""Thing -> its photographs."""


def photograph(thing: str, height_px: int, width_px: int, rng: np.random.Generator) -> Pixels:
    """A part of a photograph that shows the thing, (H, W, 3) uint8 RGB, mirrored at random; a key of PHOTOGRAPHS.

    PipelineError when the package lacks the file.
    """
    source = PHOTOGRAPHS[thing]
    whole = _read(source.package, source.files[rng.integers(len(source.files))])
    height, width = whole.shape[:2]
    scale = min(height / height_px, width / width_px) * rng.uniform(*SIZES)
    part_height, part_width = int(height_px * scale), int(width_px * scale)
    x, y = (np.array(source.centre) + rng.uniform(-SHIFT, SHIFT, 2)) * (width, height)
    left = int(np.clip(x - part_width / 2, 0, width - part_width))
    top = int(np.clip(y - part_height / 2, 0, height - part_height))
    part = cv2.resize(
        whole[top : top + part_height, left : left + part_width], (width_px, height_px), interpolation=cv2.INTER_AREA
    )
    if rng.integers(2):
        part = part[:, ::-1]
    return (part * rng.uniform(*BRIGHTNESS)).clip(0, 255).astype(np.uint8)


@functools.cache
def _read(package: str, file: str) -> Pixels:
    # Where the package lies is asked without importing it: scikit-learn alone would take a second.
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise PipelineError(f"{package}: not installed, and the demo shows a photograph of it; pip install it")
    path = Path(spec.origin).parent / file
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise PipelineError(f"{path}: no photograph there; install the package {package} again")
    return np.ascontiguousarray(pixels[..., ::-1]).astype(np.uint8)
