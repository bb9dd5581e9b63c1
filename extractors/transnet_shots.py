"""Shots by a network: TransNet V2 sees hard cuts, dissolves and fades in small frames (Souček and Lokoč 2020)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded, FrameNeed
from extractors.frames.shots import Shot, ShotExtractor
from extractors.frames.windows import WindowExtractor
from extractors.networks.base import NetworkExtractor
from extractors.networks.placing import array_to_device
from pipeline import config
from pipeline.errors import WeightsError
from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch

SIZE_PX = (27, 48)
"""Height and width of the frames, whatever their shape; the network was trained with these."""
WINDOW, KEPT = 100, 50
"""Frames that the network sees at once, and in their middle those of which its answer is kept."""


@dataclass(frozen=True)
class Params:
    """Settings of the detector."""

    __pydantic_config__ = config.STRICT
    threshold: float = 0.5
    """Probability above which a frame belongs to a boundary."""
    fps: float = 25.0
    """Frames per second; the network was trained with about 25 to 30."""
    resize: Literal["area", "bilinear", "bicubic"] = "area"
    """How frames are made small."""

    def __post_init__(self) -> None:
        if self.fps <= 0 or not 0 < self.threshold < 1:
            raise ValueError("fps must be above 0, and threshold between 0 and 1")


class Expert(ShotExtractor, WindowExtractor, NetworkExtractor):
    """One row for each shot. The frames of a gradual boundary that are surest in it belong to no shot."""

    version = 1
    params: Params

    @property
    def published_names(self) -> Mapping[str, str]:
        """The network."""
        return {"network": "transnetv2"}

    def published_file(self, part: str) -> WeightFile:
        """WeightsError: no library that is used here publishes it."""
        raise WeightsError("TransNet V2 needs a file named under weights: network: (see configs/experts/shots.yaml)")

    @property
    def need(self) -> FrameNeed:
        """Windows of small frames."""
        settings = self.params
        margin = (WINDOW - KEPT) // 2
        return FrameNeed(settings.fps, None, WINDOW, KEPT, settings.resize, size_px=SIZE_PX, margin=margin)

    def build(self) -> "torch.nn.Module":
        """The network."""
        from extractors.networks.transnet import TransNetV2

        return self.with_weights("network", TransNetV2())

    def embed(self, items: NDArray[np.uint8]) -> Embedded:
        """The probability of a boundary at each frame in the middle of a window."""
        import torch

        size = 1 if self.device == "cpu" else len(items)  # several at once take longer there: they leave the caches
        with torch.inference_mode():
            batches = (array_to_device(items[at : at + size], self.device) for at in range(0, len(items), size))
            logits = torch.cat([self.network(batch)[:, :, 0].float() for batch in batches])
            middle = logits[:, (WINDOW - KEPT) // 2 :][:, :KEPT]
            return self.per_frame(middle.sigmoid().cpu().numpy())

    def shots(self, scores: NDArray[np.float32]) -> Sequence[Shot]:
        """The frames between boundaries, each with the last frame before its boundary, as the authors count them.

        A video that is a boundary from end to end is one shot.
        """
        is_boundary = np.concatenate([[False], scores > self.params.threshold, [False]])
        begins, ends = np.flatnonzero(np.diff(is_boundary)).reshape(-1, 2).T  # of the boundaries; ends are excluded
        sure = (float(scores[begin:end].max()) for begin, end in zip(begins, ends, strict=True))
        inside = zip([0, *ends.tolist()], [*(begins + 1).tolist(), len(scores)], [0.0, *sure], strict=True)
        # A boundary at the very beginning has no shot before it, and one that lasts to the end none behind it.
        shots = [Shot(*shot) for shot in inside if shot[0] < len(scores) and shot[1] > 1]
        return shots or [Shot(0, len(scores), 0.0)]
