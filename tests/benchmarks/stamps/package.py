"""A small folder of stamps as the package has it, made on the spot."""

from pathlib import Path

import numpy as np
import soundfile
from PIL import Image


def stamp(folder: Path, name: str, caption: str, colour=(200, 30, 30), margin_px=10) -> Path:
    """A rectangle of one colour, 60 x 40, within a transparent margin; the caption in two languages."""
    pixels = np.zeros((40 + 2 * margin_px, 60 + 2 * margin_px, 4), np.uint8)
    pixels[margin_px : 40 + margin_px, margin_px : 60 + margin_px] = (*colour, 255)
    path = folder / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    path.with_suffix(".txt").write_text(f"{caption}\nde.utf8=etwas\n", encoding="utf-8")
    return path


def tone(path: Path, hz: float, duration_s: float, rate_hz=22_050) -> None:
    """A sound file, as the package's are: Ogg Vorbis."""
    times_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * hz * times_s), rate_hz, format="OGG", subtype="VORBIS")
