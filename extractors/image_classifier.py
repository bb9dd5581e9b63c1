"""Frame expert: the input of the last layer of any image classifier of torchvision or timm; a backbone as it is."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from extractors.base import FrameNeed
from extractors.frames.windows import FrameExtractor
from extractors.networks import classifiers
from extractors.networks.base import RGB
from extractors.networks.batch_norm import fold_batch_norms
from extractors.networks.labelled import Classifier
from extractors.networks.pixels import PixelExtractor
from pipeline import config
from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Params:
    """Settings of an image classifier."""

    __pydantic_config__ = config.STRICT
    network: str
    """torchvision/<network>.<weights> or timm/<network>.<weights>, e.g. torchvision/resnet50.IMAGENET1K_V1."""
    dim: int
    """D, the input width of the network's last layer."""
    fps: float = 1.0
    """Frames per second."""
    resize_px: int = 256
    """Short side of the frame before the crop."""
    crop_px: int = 224
    """Side of the square that is cropped from the centre."""
    resize: Literal["area", "bilinear", "bicubic"] = "bilinear"
    """As the network was trained; bilinear and bicubic are Pillow's."""
    mean: RGB = (0.485, 0.456, 0.406)
    """Of red, green, blue (0..1), subtracted first."""
    std: RGB = (0.229, 0.224, 0.225)
    """By which the difference is divided."""
    classes: int = 1000
    """Outputs of the last layer in the file; 365 for Places, 0 for a network of timm that was trained without any."""
    arguments: dict[str, int | float | str | bool] = field(default_factory=dict)
    """Further arguments of the network's constructor."""

    def __post_init__(self) -> None:
        classifiers.split_name(self.network)
        if self.fps <= 0 or self.dim < 1 or self.classes < 0:
            raise ValueError("fps and dim must be above 0, classes not below it")
        if not self.classes and classifiers.split_name(self.network)[0] != "timm":
            raise ValueError("classes must be above 0 for a network of torchvision, which has a last layer")
        if self.resize_px < self.crop_px:
            raise ValueError("crop_px must not be larger than resize_px")

    def __hash__(self) -> int:
        """Without `arguments`, a dict; decode workers cache extractors by their settings."""
        return hash((self.network, self.fps, self.resize_px, self.crop_px))


class Expert(FrameExtractor, PixelExtractor, Classifier):
    """One row for each frame."""

    version = 1
    params: Params

    def published_file(self, part: str) -> WeightFile:
        """From the tables of its library."""
        return classifiers.weight_file(self.params.network)

    @property
    def need(self) -> FrameNeed:
        """Single frames, resized and cropped."""
        settings = self.params
        return FrameNeed(settings.fps, settings.resize_px, resize=settings.resize, crop_px=settings.crop_px)

    def build(self) -> "torch.nn.Module":
        """The network without its last layer, if it has one."""
        network = classifiers.build(self.params.network, self.params.classes, self.params.arguments)
        network = self.with_weights("network", network, classifiers.current_names)
        if self.params.classes:
            self.head = classifiers.last_layer(network)
            network = classifiers.remove_last_layer(network)
        network = network.eval()
        fold_batch_norms(network, 3, self.params.crop_px, self.params.crop_px)
        return network

    def use_onnx_runtime(self) -> None:
        """Convert the network for frames of `crop_px`."""
        from extractors.networks import onnx_runtime

        self.network = onnx_runtime.converted(self.network, (3, self.params.crop_px, self.params.crop_px))
