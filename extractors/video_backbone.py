"""Motion expert on a video backbone of transformers: the mean of its last hidden states, over windows of frames.

Assran et al. 2025, "V-JEPA 2"; Tong et al. 2022, "VideoMAE". Neither knows language: a model is trained on top.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extractors.base import FrameNeed
from extractors.frames.windows import WindowExtractor
from extractors.networks import hub
from extractors.networks.base import RGB
from extractors.networks.pixels import PixelExtractor
from extractors.networks.pretrained import folder_of, network_in
from pipeline import config
from pipeline.errors import WeightsError
from pipeline.weights import seeded
from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch

FILES = {part: hub.FILES[part] for part in ("network", "config")}
KINDS = {
    "vjepa2": r"pooler\..*|classifier\..*",
    "videomae": r"fc_norm\..*|classifier\..*|decoder\..*|encoder_to.*|mask_.*",
}
"""Model type -> the tensors of its files that are no part of the backbone: heads, and what pretraining needs."""


@dataclass(frozen=True)
class Params:
    """Settings of a video backbone."""

    __pydantic_config__ = config.STRICT
    network: str
    """transformers/<owner>/<name> on the hub: a V-JEPA 2 or a VideoMAE."""
    dim: int
    """D, the hidden size of the network."""
    fps: float
    """Frames per second of the network's input."""
    window: int
    """Frames in a window, which gives one row; VideoMAE takes 16."""
    stride: int
    """Frames from the start of one window to the start of the next."""
    resize_px: int
    """Short side of the frames before the crop."""
    crop_px: int
    """Side of the square that is cropped from the centre."""
    mean: RGB = (0.485, 0.456, 0.406)
    """Of red, green, blue (0..1), subtracted first."""
    std: RGB = (0.229, 0.224, 0.225)
    """By which the difference is divided."""

    def __post_init__(self) -> None:
        hub.repository(self.network)  # raises ValueError for a name that no repository can have
        if self.fps <= 0 or min(self.dim, self.window, self.stride, self.crop_px) < 1:
            raise ValueError("fps, dim, window, stride and crop_px must be above 0")
        if self.window % 2:
            raise ValueError("window must be even: two frames are one piece of what the network sees")
        if self.resize_px < self.crop_px:
            raise ValueError("crop_px must not be larger than resize_px")


class Expert(WindowExtractor, PixelExtractor):
    """One row for each window of frames."""

    version = 1
    params: Params

    @property
    def published_names(self) -> dict[str, str]:
        """The network and its config.json."""
        return dict.fromkeys(FILES, self.params.network)

    def published_file(self, part: str) -> WeightFile:
        """From the repository on the hub."""
        return hub.weight_file(self.params.network, part)

    def file_without_library(self, part: str) -> WeightFile | None:
        """The same."""
        return self.published_file(part)

    @property
    def need(self) -> FrameNeed:
        """Windows of frames, resized and cropped."""
        settings = self.params
        return FrameNeed(
            settings.fps, settings.resize_px, settings.window, settings.stride, "bilinear", settings.crop_px
        )

    def build(self) -> "torch.nn.Module":
        """The backbone, without head and predictor."""
        network = self._stand_in() if self.source.seeded else self._released()
        if hasattr(network, "predictor"):
            network.predictor = None  # it guesses what is hidden, in pretraining
        return network  # type: ignore[no-any-return]

    def forward(self, batch: "torch.Tensor") -> "torch.Tensor":
        """The mean over all tokens of the last hidden states, (B, D)."""
        is_jepa = self.network.config.model_type == "vjepa2"
        clips = batch.movedim(2, 1)  # (B, T, 3, H, W)
        states = self.network(clips, skip_predictor=True) if is_jepa else self.network(clips)
        mean: torch.Tensor = states.last_hidden_state.mean(dim=1)
        return mean

    def _released(self) -> Any:
        from transformers import AutoModel

        path = self.weight_path("network")
        unused = "|".join(KINDS.values())
        with folder_of(self, FILES) as folder:
            network = network_in(folder, AutoModel, path, KINDS, unused)
        if network.config.hidden_size != self.params.dim:
            raise WeightsError(
                f"{path}: vectors of length {network.config.hidden_size}, where dim is {self.params.dim}"
            )
        if network.config.model_type == "videomae" and network.config.num_frames != self.params.window:
            raise WeightsError(f"{path}: takes windows of {network.config.num_frames} frames, not {self.params.window}")
        return network

    def _stand_in(self) -> Any:
        """A network of one layer: with weights that mean nothing there is no reason to wait for more."""
        from transformers import VJEPA2Config, VJEPA2Model

        heads = next(heads for heads in (16, 12, 8, 4, 2, 1) if self.params.dim % heads == 0)
        one: dict[str, Any] = {"num_hidden_layers": 1, "pred_num_hidden_layers": 1, "num_attention_heads": heads}
        return seeded.fill(VJEPA2Model(VJEPA2Config(hidden_size=self.params.dim, crop_size=self.params.crop_px, **one)))
