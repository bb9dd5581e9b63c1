"""Motion expert: the input of the last layer of a video classifier, over windows of frames."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from extractors.base import CropOffset, FrameNeed, ResizeMethod
from extractors.frames.windows import WindowExtractor
from extractors.networks import classifiers
from extractors.networks.base import RGB
from extractors.networks.batch_norm import fold_batch_norms
from extractors.networks.labelled import Classifier
from extractors.networks.pixels import PixelExtractor
from extractors.networks.without_values import without_values
from pipeline import config
from pipeline.errors import WeightsError
from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch

WITHOUT_LIBRARY = ("i3d", "r2plus1d_34")
"""Networks that no library has; the YAML must name their files."""


@dataclass(frozen=True)
class Params:
    """Settings of a video classifier."""

    __pydantic_config__ = config.STRICT
    network: str
    """i3d, r2plus1d_34, or torchvision/<network>.<weights>, e.g. torchvision/mvit_v2_s.KINETICS400_V1."""
    dim: int
    """D, the input width of the network's last layer."""
    fps: float
    """Frames per second of the network's input."""
    window: int
    """Frames in a window, which gives one row."""
    stride: int
    """Frames from the start of one window to the start of the next."""
    resize_px: int | tuple[int, int] = 256
    """Before the crop: the short side of the frame; or (height, width), whatever the aspect ratio."""
    crop_px: int = 224
    """Side of the square that is cropped from the centre."""
    crop_offset: CropOffset = "round"
    """Where the crop begins if the margin is odd: round, as torchvision (half to even), or floor."""
    resize: ResizeMethod = "bilinear"
    """As the network was trained; bilinear and bicubic are Pillow's; bilinear_float is torch's `interpolate`, which
    does not smooth before it shrinks, without rounding to 8 bits."""
    mean: RGB = (0.45, 0.45, 0.45)
    """Of red, green, blue (0..1), subtracted first."""
    std: RGB = (0.225, 0.225, 0.225)
    """By which the difference is divided."""
    classes: int = 400
    """Outputs of the last layer in the file."""
    epsilon: float | None = None
    """What batch norm adds to the variance; null: the network's default."""
    arguments: dict[str, int | float | str | bool] = field(default_factory=dict)
    """Further arguments of the network's constructor."""

    def __post_init__(self) -> None:
        if self.network not in WITHOUT_LIBRARY:
            classifiers.split_name(self.network)
        if self.fps <= 0 or min(self.dim, self.classes, self.window, self.stride) < 1:
            raise ValueError("fps, dim, classes, window and stride must be above 0")
        if min(self.resize_px if isinstance(self.resize_px, tuple) else (self.resize_px,)) < self.crop_px:
            raise ValueError("crop_px must not be larger than resize_px")
        if self.network == "i3d" and self.window < 16:
            raise ValueError("i3d needs a window of at least 16 frames")

    def __hash__(self) -> int:
        """Without `arguments`, a dict; decode workers cache extractors by their settings."""
        return hash((self.network, self.fps, self.window, self.stride))


class Expert(WindowExtractor, PixelExtractor, Classifier):
    """One row for each window of frames."""

    version = 1
    params: Params

    def published_file(self, part: str) -> WeightFile:
        """From the tables of its library; WeightsError for a network without one."""
        if self.params.network in WITHOUT_LIBRARY:
            raise WeightsError(f"no library has weights of {self.params.network}: name a file under weights: network:")
        return classifiers.weight_file(self.params.network)

    @property
    def need(self) -> FrameNeed:
        """Windows of frames, resized and cropped."""
        settings = self.params
        short_px, size_px = (
            (None, settings.resize_px) if isinstance(settings.resize_px, tuple) else (settings.resize_px, None)
        )
        return FrameNeed(
            settings.fps,
            short_px,
            settings.window,
            settings.stride,
            settings.resize,
            settings.crop_px,
            size_px,
            settings.crop_offset,
        )

    def is_channels_last(self, device: str) -> bool:
        """Always: for clips rows are no faster on a GPU (I3D), and I3D itself joins its branches so."""
        return True

    def build(self) -> "torch.nn.Module":
        """The network without its last layer."""
        network = self._i3d() if self.params.network == "i3d" else self._without_last_layer()
        if self.params.epsilon is not None:
            from extractors.networks.video_networks import set_epsilon

            set_epsilon(network, self.params.epsilon)
        if self.params.network == "i3d":
            fold_batch_norms(network.eval(), 3, 16, 32, 32)
        return network

    def _i3d(self) -> "torch.nn.Module":
        from extractors.networks.video_networks import I3D, current_names

        network = self.with_weights("network", without_values(lambda: I3D(3, self.params.classes)), current_names)
        self.head = classifiers.last_layer(network)  # I3D's own forward pass ends before it
        return network

    def _without_last_layer(self) -> "torch.nn.Module":
        if self.params.network == "r2plus1d_34":
            from extractors.networks.video_networks import r2plus1d_34

            network = r2plus1d_34(self.params.classes)
        else:
            network = classifiers.build(self.params.network, self.params.classes, self.params.arguments)
        network = self.with_weights("network", network, classifiers.current_names)
        self.head = classifiers.last_layer(network)
        return classifiers.remove_last_layer(network)
