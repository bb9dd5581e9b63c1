"""What experts that look at frames have in common: one frame at a time, or windows of them."""

import numpy as np
from numpy.typing import NDArray

from extractors.base import Extractor, FrameNeed, FrameView


class FrameExpert(Extractor):
    """An expert that is shown whole frames, `params.fps` of them a second, `params.short_px` high or wide."""

    @property
    def need(self) -> FrameNeed:
        """Single frames."""
        return FrameNeed(self.params.fps, self.params.short_px)

    def prepare(self, view: FrameView) -> NDArray[np.uint8]:
        """(N, H, W, 3) RGB."""
        return view.frames[view.starts]


class WindowExpert(Extractor):
    """An expert that is shown windows of frames."""

    def prepare(self, view: FrameView) -> NDArray[np.uint8]:
        """(N, T, H, W, 3) RGB."""
        items: NDArray[np.uint8] = view.frames[view.starts[:, None] + np.arange(view.window)]
        return items
