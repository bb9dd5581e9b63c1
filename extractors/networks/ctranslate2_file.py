"""Which tensors a Whisper file of CTranslate2 holds: the library takes one without its biases, or with others beside.

The head of each tensor is read as the library writes it (format 4 to 6); older files it reads by itself.
"""

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from extractors.networks.pretrained import refuse
from pipeline.errors import WeightsError

OLDEST = 4
QUANTISED = re.compile(r"(.*/weight)_(scale|zero|compensation)")
"""What stands beside a weight of 8 bits."""
TENSOR = re.compile(r".*/(weight|bias|gamma|beta|encodings)")
"""All else are settings, of which old files have fewer."""


def check_whisper(path: Path) -> None:
    """WeightsError with the tensors that a Whisper of so many layers has and the file lacks, or the other way round."""
    from ctranslate2.specs import WhisperSpec

    try:
        with path.open("rb") as file:
            has = set(_names(file))
    except (struct.error, UnicodeDecodeError) as error:
        raise WeightsError(f"{path}: no file of CTranslate2: {error}") from None
    if not has:
        return
    encoder, decoder = (_layers(has, side) for side in ("encoder", "decoder"))
    known = set(WhisperSpec(encoder, 1, decoder, 1).variables())
    known |= {f"{side}/position_encodings/encodings" for side in ("encoder", "decoder")}
    ends = re.compile(r"/(linear_\d|conv\d)/weight$")
    known |= {f"{name.removesuffix('/weight')}/bias" for name in known if ends.search(name)}
    left = {name for name in has - known if not ((scale := QUANTISED.fullmatch(name)) and scale[1] in known)}
    refuse(path, "tensors of the network that no file holds", [one for one in known - has if TENSOR.fullmatch(one)])
    refuse(path, "tensors in the files that the network does not have", left)


def _layers(names: set[str], side: str) -> int:
    return 1 + max((int(found[1]) for name in names if (found := re.match(rf"{side}/layer_(\d+)/", name))), default=0)


def _names(file: BinaryIO) -> Iterator[str]:
    """The names of the tensors, and other names of some; none of an old format."""
    if _number(file, "I") < OLDEST:
        return
    _text(file)
    _number(file, "I")
    for _ in range(_number(file, "I")):
        yield _text(file)
        file.seek(4 * _number(file, "B") + 1, 1)
        file.seek(_number(file, "I"), 1)
    for _ in range(_number(file, "I")):
        yield _text(file)
        _text(file)


def _number(file: BinaryIO, kind: str) -> int:
    return int(struct.unpack(f"<{kind}", file.read(struct.calcsize(kind)))[0])


def _text(file: BinaryIO) -> str:
    return file.read(_number(file, "H")).rstrip(b"\0").decode()
