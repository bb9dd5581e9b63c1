"""Flow expert on RAFT and I3D: torchvision's RAFT estimates optical flow, I3D's flow stream embeds windows of it.

RAFT: Teed & Deng 2020. Flow is clipped at 20 px and scaled to -1..1, as I3D was trained (Carreira & Zisserman 2017).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded, FrameNeed
from extractors.frames.windows import WindowExtractor
from extractors.networks import classifiers
from extractors.networks.base import NetworkExtractor, network_to_device
from pipeline import config
from pipeline.errors import WeightsError
from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch

MAX_FLOW_PX = 20.0
STREAM_PX = 224
"""Side of the flow stream's input."""
SMALLEST_PX = 128
"""RAFT works at an eighth of the size, and halves that three times."""


@dataclass(frozen=True)
class Params:
    """Settings of the flow expert."""

    __pydantic_config__ = config.STRICT
    network: str = "torchvision/raft_small.C_T_V2"
    """The network that estimates flow: torchvision/raft_small.<weights> or torchvision/raft_large.<weights>."""
    iterations: int = 12
    """Number of RAFT's flow updates."""
    fps: float = 25.0
    """Frames per second; flow is estimated between consecutive frames."""
    window: int = 16
    """Flow fields in a window, which gives one row; I3D was trained with 64."""
    stride: int = 16
    """Flow fields from the start of one window to the start of the next."""
    resize_px: int = 256
    """Short side of the frame before the crop."""
    crop_px: int = 224
    """Side of the centre crop on which flow is estimated, a multiple of 8; below 224 the flow is enlarged to that."""
    pairs_at_once: int = 16
    """Pairs of frames in a batch of RAFT, whatever the number of windows in a batch."""
    epsilon: float = 1e-3
    """What the flow stream's batch norm adds to the variance: 1e-3 for the published files."""

    def __post_init__(self) -> None:
        library, network, _ = classifiers.split_name(self.network)
        if library != "torchvision" or not network.startswith("raft_"):
            raise ValueError(f"network {self.network!r} must be torchvision/raft_small or torchvision/raft_large")
        if self.fps <= 0 or min(self.iterations, self.stride, self.pairs_at_once) < 1:
            raise ValueError("fps, iterations, stride and pairs_at_once must be above 0")
        if self.window < 16:
            raise ValueError("the flow stream of I3D needs a window of at least 16")
        if self.crop_px % 8 or self.crop_px < SMALLEST_PX or self.resize_px < self.crop_px:
            raise ValueError(f"crop_px must be a multiple of 8, at least {SMALLEST_PX}, and not above resize_px")


class Expert(WindowExtractor, NetworkExtractor):
    """One row for each window."""

    version = 1
    params: Params

    @property
    def dim(self) -> int:
        """D, 1024: the width of I3D's last features."""
        return 1024

    @property
    def published_names(self) -> dict[str, str]:
        """RAFT, and the flow stream of I3D."""
        return {"flow": self.params.network, "stream": "i3d flow"}

    def published_file(self, part: str) -> WeightFile:
        """RAFT's, from the tables of torchvision; WeightsError for the flow stream."""
        if part == "flow":
            return classifiers.weight_file(self.params.network)
        raise WeightsError("no library has weights of the flow stream of I3D: name a file under weights: stream:")

    @property
    def need(self) -> FrameNeed:
        """Windows with one frame more than flow fields."""
        settings = self.params
        return FrameNeed(
            settings.fps, settings.resize_px, settings.window + 1, settings.stride, "bilinear", settings.crop_px
        )

    def build(self) -> "torch.nn.Module":
        """The flow stream of I3D."""
        from extractors.networks.video_networks import I3D, current_names, set_epsilon

        network = self.with_weights("stream", I3D(2), current_names)
        set_epsilon(network, self.params.epsilon)
        return network

    def load(self, device: str) -> None:
        """Move both networks to the device."""
        from torchvision import models

        super().load(device)
        _, network, _ = classifiers.split_name(self.params.network)
        self._raft: Any = network_to_device(self.with_weights("flow", models.get_model(network, weights=None)), device)

    def embed(self, items: NDArray[np.uint8]) -> Embedded:
        """(B, 1024)."""
        return self.run(items, self._flow)

    def _flow(self, frames: "torch.Tensor") -> "torch.Tensor":
        """Flow (B, 2, T, 224, 224) in -1..1 between frames (B, T + 1, H, W, 3) uint8."""
        import torch

        batch, length, height, width, _ = frames.shape
        pixels = (frames.float() / 127.5 - 1).movedim(-1, 2)
        first, second = (pixels[:, part].reshape(-1, 3, height, width) for part in (slice(-1), slice(1, None)))
        chunks = (torch.split(half, self.params.pairs_at_once) for half in (first, second))
        flows = [
            self._raft(*pair, num_flow_updates=self.params.iterations)[-1].float() for pair in zip(*chunks, strict=True)
        ]
        flow = torch.cat(flows)
        if height != STREAM_PX:
            flow = torch.nn.functional.interpolate(flow, (STREAM_PX, STREAM_PX), mode="bilinear") * STREAM_PX / height
        flow = (flow / MAX_FLOW_PX).clamp(-1, 1)
        return flow.view(batch, length - 1, 2, STREAM_PX, STREAM_PX).movedim(2, 1)
