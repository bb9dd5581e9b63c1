"""Interface of what describes clips, and a stand-in for it.

N clips, T frames.
"""

import zlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Description:
    """What is said of one clip, or why nothing is."""

    text: str = ""
    fault: str = ""


class Describer(ABC):
    """Says in words what clips show."""

    @abstractmethod
    def describe(self, clips: NDArray[Any]) -> list[Description]:
        """What is said of each of the clips (N, T, H, W, 3), RGB in 0..255; a clip's depends on no other clip.

        OutageError where nothing can be said of any clip now, ExtractionError where it never will be.
        """


class StandIn(Describer):
    """Two made-up sentences, which are the same for the same frames: there is no network without weights."""

    def describe(self, clips: NDArray[Any]) -> list[Description]:
        """As `Describer.describe`."""
        return [Description(f"A word{_number(clip[:1])} is here. Then a word{_number(clip)} moves.") for clip in clips]


def _number(frames: NDArray[np.uint8]) -> int:
    return zlib.crc32(np.ascontiguousarray(frames).tobytes()) % 1000
