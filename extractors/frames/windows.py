"""Base classes of extractors over frames: one frame per item, or a window of frames."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import Extractor, FrameNeed, FrameView


class FrameExtractor(Extractor):
    """An extractor over single frames, `params.fps` per second with a short side of `params.short_px`."""

    @property
    def need(self) -> FrameNeed:
        """Single frames."""
        return FrameNeed(self.params.fps, self.params.short_px)

    def prepare(self, view: FrameView) -> NDArray[np.uint8]:
        """(N, H, W, 3) RGB."""
        return view.frames[view.starts]


class WindowExtractor(Extractor):
    """An extractor over windows of frames."""

    def prepare(self, view: FrameView) -> NDArray[Any]:
        """(N, T, H, W, 3) RGB."""
        return view.windows
