"""Flow expert on RAFT and I3D: torchvision's RAFT estimates optical flow, I3D's flow stream embeds windows of it.

RAFT: Teed & Deng 2020. Flow is clipped at 20 px and scaled to -1..1, as I3D was trained (Carreira & Zisserman 2017).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded, FrameNeed, FrameView
from extractors.frames.windows import WindowExtractor
from extractors.networks import classifiers
from extractors.networks.base import NetworkExtractor
from extractors.networks.batch_norm import fold_batch_norms
from extractors.networks.placing import network_to_device
from extractors.networks.without_values import without_values
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
RAFT_GRID_PX = 8
GPU_TIMES = 16
"""How many times as many pairs a GPU gets at once."""
LONGEST = 3
"""Long side of a whole frame in short sides; RAFT's memory grows with the square of the area, and a very wide frame
would end the run of all videos."""


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
    """Side of the square at the centre whose flow the stream is shown; below 224 it is enlarged to that."""
    flow_of: Literal["crop", "frame"] = "crop"
    """Where flow is estimated. crop: in the square only, whose side is then a multiple of 8; frame: in the whole frame,
    its border repeated up to multiples of 8, before the crop; slower, but motion across the square's border is seen."""
    eight_bit: bool = False
    """Round flow to steps of 40 / 255 px, as it is when flow is kept in images, on which I3D was trained."""
    pairs_at_once: int = 16
    """Pairs of frames in a batch of RAFT on a CPU, to which windows come one by one; a GPU gets 16 times as many."""
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
        crop_px = settings.crop_px if settings.flow_of == "crop" else None
        return FrameNeed(settings.fps, settings.resize_px, settings.window + 1, settings.stride, "bilinear", crop_px)

    def prepare(self, view: FrameView) -> NDArray[np.uint8]:
        """(N, T + 1, H, W, 3); of a frame that is longer than LONGEST short sides only the middle."""
        frames = view.windows
        most_px = LONGEST * min(frames.shape[2:4])
        top, left = (max(0, length - most_px) // 2 for length in frames.shape[2:4])
        return frames[:, :, top : top + most_px, left : left + most_px]

    def build(self) -> "torch.nn.Module":
        """The flow stream of I3D."""
        from extractors.networks.video_networks import I3D, current_names, set_epsilon

        network = self.with_weights("stream", without_values(lambda: I3D(2)), current_names)
        set_epsilon(network, self.params.epsilon)
        fold_batch_norms(network.eval(), 2, 16, 32, 32)
        return network

    def load(self, device: str) -> None:
        """Move both networks to the device."""
        from torchvision import models

        from extractors.networks.raft import FilmRaft

        super().load(device)
        _, network, _ = classifiers.split_name(self.params.network)
        raft = self.with_weights("flow", models.get_model(network, weights=None))
        # Rows first on a GPU: 124 windows/s in place of 109, with TF32 238 and 225 (H200).
        self._raft = FilmRaft(network_to_device(raft, device, is_channels_last=device == "cpu"))

    def embed(self, items: NDArray[np.uint8]) -> Embedded:
        """(B, 1024)."""
        return self.run(items, self._flow)

    def _flow(self, frames: "torch.Tensor") -> "torch.Tensor":
        """Flow (B, 2, T, 224, 224) in -1..1 between frames (B, T + 1, H, W, 3) uint8."""
        import torch

        is_on_cpu, settings = frames.device.type == "cpu", self.params
        pixels = _padded((frames.float() / 127.5 - 1).movedim(-1, 2).flatten(0, 1))
        films = (pixels if is_on_cpu else pixels.contiguous()).view(*frames.shape[:2], *pixels.shape[1:])
        # On a GPU the kernels of 16 small pairs are over before the next one is launched: 36 windows/s, of 64 pairs 82,
        # of 256 pairs 109 (H200, 16 windows). What does not fit there comes again with fewer windows.
        at_once = settings.pairs_at_once * (1 if is_on_cpu else GPU_TIMES)
        flow = torch.cat([self._square(flow) for flow in self._raft.flow(films, settings.iterations, at_once)])
        flow = flow.clamp(-MAX_FLOW_PX, MAX_FLOW_PX)
        flow = _eight_bit(flow) if settings.eight_bit else flow / MAX_FLOW_PX
        return flow.view(len(films), films.shape[1] - 1, 2, STREAM_PX, STREAM_PX).movedim(2, 1)

    def _square(self, flow: "torch.Tensor") -> "torch.Tensor":
        """The middle of flow (P, 2, H, W), as the stream sees it (P, 2, 224, 224)."""
        import torch

        side = self.params.crop_px
        top, left = ((length - side) // 2 for length in flow.shape[-2:])
        flow = flow[..., top : top + side, left : left + side].contiguous()
        if side != STREAM_PX:
            flow = torch.nn.functional.interpolate(flow, (STREAM_PX, STREAM_PX), mode="bilinear") * STREAM_PX / side
        return flow


def _padded(frames: "torch.Tensor") -> "torch.Tensor":
    """Frames (N, 3, H, W), their border repeated until both sides are multiples of 8, the grid of RAFT."""
    import torch

    pad_y, pad_x = (-length % RAFT_GRID_PX for length in frames.shape[-2:])
    pads = (pad_x // 2, pad_x - pad_x // 2, pad_y // 2, pad_y - pad_y // 2)
    return torch.nn.functional.pad(frames, pads, mode="replicate") if any(pads) else frames


def _eight_bit(flow: "torch.Tensor") -> "torch.Tensor":
    """Flow in -20..20 px as an image keeps it, whole numbers around 128, in -1..1.

    As https://github.com/deepmind/kinetics-i3d/issues/61 tells it; 20 px comes out as 256, a step above 1.
    """
    levels = (128 + 255 / (2 * MAX_FLOW_PX) * flow).round()
    return 2 * levels / 255 - 1
