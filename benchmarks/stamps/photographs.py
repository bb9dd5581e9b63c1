"""The photographs of tuxpaint-stamps-default: cut-outs of things, each with a caption, some with their sound.

The package is licensed under GPL-2, so that nothing of it is kept here. It is read where it is installed, or out of the
.deb (`apt-get download tuxpaint-stamps-default`).
"""

import io
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PACKAGE = "tuxpaint-stamps-default"
INSTALLED = Path("/usr/share/tuxpaint/stamps")
LEFT_OUT = {"symbols", "cartoon"}
"""Folders at any depth whose pictures are no photographs."""
OPAQUE = 8
"""Alpha from which a pixel belongs to the thing."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Photograph:
    """A thing, cut out."""

    name: str
    """Its path in the package, without suffix and with _ for /."""
    picture: Path
    caption: str
    own_sound: Path | None = None
    """What it sounds like, e.g. a barking dog."""
    spoken: Path | None = None
    """Its name, spoken in English."""

    @property
    def thing(self) -> str:
        """The last word of the caption: a sitting gnu and a gnu are both gnus."""
        words = re.findall(r"[^\W\d_]+", self.caption.lower())
        return words[-1] if words else self.caption


def installed() -> bool:
    """Whether the package is there."""
    return any(INSTALLED.glob("*/**/*.png"))


def find(folder: Path = INSTALLED) -> list[Photograph]:
    """The photographs below a folder, by name; of those that share a caption only the first."""
    found: dict[str, Photograph] = {}
    for picture in sorted(folder.rglob("*.png")):
        inside = picture.relative_to(folder)
        text = picture.with_suffix(".txt")
        caption = text.read_text(encoding="utf-8").split("\n")[0].strip() if text.exists() else ""
        if not caption or LEFT_OUT & set(inside.parts):
            continue
        name = "_".join(inside.with_suffix("").parts)
        own, spoken = (picture.with_name(f"{picture.stem}{ending}.ogg") for ending in ("", "_desc"))
        sounds = (own if own.exists() else None, spoken if spoken.exists() else None)
        found.setdefault(caption, Photograph(name, picture, caption, *sounds))
    return sorted(found.values(), key=lambda one: one.name)


def unpack(package: Path, folder: Path) -> Path:
    """Unpacks the stamps of a .deb into a folder, and returns theirs; ValueError where it is no such package."""
    for name, content in _members(package.read_bytes()):
        if name.startswith("data.tar"):
            inside = f".{INSTALLED}/"
            with tarfile.open(fileobj=io.BytesIO(content), mode="r|*") as archive:  # in one go: it is large
                for member in archive:
                    if member.isfile() and member.name.startswith(inside):
                        archive.extract(member, folder, filter="data")
            return folder / inside
    raise ValueError(f"{package}: no data.tar in it; is it a .deb?")


def _members(archive: bytes) -> list[tuple[str, bytes]]:
    """Name and content of each file in an ar archive, which a .deb is (deb(5))."""
    if not archive.startswith(b"!<arch>\n"):
        raise ValueError("no .deb: it does not begin as an ar archive")
    found, at = [], 8
    while at + 60 <= len(archive):
        name, size = archive[at : at + 16].decode().strip().rstrip("/"), int(archive[at + 48 : at + 58])
        found.append((name, archive[at + 60 : at + 60 + size]))
        at += 60 + size + size % 2
    return found


def cut_out(picture: Path) -> Pixels:
    """The thing, (H, W, 4) RGBA, trimmed to what is opaque."""
    with Image.open(picture) as image:
        pixels = np.asarray(image.convert("RGBA"))
    there = pixels[..., 3] >= OPAQUE
    rows, columns = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else pixels


def on_grey(picture: Path, side_px: int = 340, share: float = 0.9, grey: int = 128) -> Pixels:
    """The thing in the middle of a grey square, (side, side, 3), of which its longer side takes `share`."""
    thing = Image.fromarray(cut_out(picture))
    scale = share * side_px / max(thing.size)
    thing = thing.resize(
        (max(1, round(thing.width * scale)), max(1, round(thing.height * scale))), Image.Resampling.BICUBIC
    )
    square = Image.new("RGBA", (side_px, side_px), (grey, grey, grey, 255))
    square.alpha_composite(thing, ((side_px - thing.width) // 2, (side_px - thing.height) // 2))
    return np.asarray(square.convert("RGB"))
