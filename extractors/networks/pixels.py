"""Networks that see pixels: how these are normalised, and how many go through a network at once."""

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from extractors.base import Embedded
from extractors.networks.base import NetworkExtractor

if TYPE_CHECKING:
    import torch

IMAGES_ON_CPU = 16
"""More at a time take more memory, hardly less time: ResNet-50 0.038 CPU s an image of 64, 0.041 of 16 (AMD EPYC)."""


class PixelExtractor(NetworkExtractor):
    """A network extractor whose input is pixels, normalise_pixels by `params.mean` and `params.std`."""

    def is_channels_last(self, device: str) -> bool:
        """As of all networks, but on a GPU in float32, where cuDNN's kernels take rows: SENet-154 613 frames/s in place
        of 523 (H200)."""
        return device == "cpu" or self.precision != "fp32"

    def parts_on_cpu(self, items: NDArray[Any]) -> int:
        """Of at most IMAGES_ON_CPU; clips one by one."""
        return max(1, -(-len(items) // IMAGES_ON_CPU)) if items.ndim == 4 else super().parts_on_cpu(items)

    def embed(self, items: NDArray[Any]) -> Embedded:
        """(B, D)."""
        mean, std = self.params.mean, self.params.std
        is_channels_last = self.is_channels_last(self.device)

        def normalised(pixels: "torch.Tensor") -> "torch.Tensor":
            batch = normalise_pixels(pixels, mean, std)
            return batch if is_channels_last else batch.contiguous()

        return self.run(items, normalised)


def normalise_pixels(pixels: "torch.Tensor", mean: tuple[float, ...], std: tuple[float, ...]) -> "torch.Tensor":
    """(B, ..., H, W, C) in 0..255 as (B, C, ..., H, W) float32: (x / 255 - mean) / std."""
    import torch

    # Row by row: over the three numbers of a pixel alone the arithmetic takes three times as long.
    offset, scale = (torch.tensor(values, device=pixels.device).repeat(pixels.shape[-2]) for values in (mean, std))
    # In place, where there are three of them else: 64 frames of 224 px take 39 MB each time.
    rows = pixels.flatten(-2).to(torch.float32, copy=True).div_(255).sub_(offset).div_(scale)
    return rows.reshape(pixels.shape).movedim(-1, 1)
