"""What extractors with networks share: weights by name, by address or as stand-ins, and the way onto the device."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded, Extractor, TextEncoder
from pipeline.errors import WeightsError
from pipeline.weights import seeded
from pipeline.weights.files import SEEDED, WeightFile
from pipeline.weights.tensors import load_tensors

if TYPE_CHECKING:
    import torch

Tensors = dict[str, Any]
Triple = tuple[float, float, float]


def unchanged(tensors: Tensors) -> Tensors:
    """The tensors of a checkpoint whose names are those of the network."""
    return tensors


class Weighted:
    """The part of an extractor or text encoder that knows its weights."""

    params: Any
    source: Any

    @property
    def dim(self) -> int:
        """D, as the settings say; a network that comes in one width says its own."""
        return int(self.params.dim)

    @property
    def released(self) -> Mapping[str, str]:
        """Part -> what its weights are published as, in words that never change; asked without importing a library.

        Here one part, by the name in the settings.
        """
        return {"network": self.params.network}

    @abstractmethod
    def known(self, part: str) -> WeightFile:
        """The file of a part, as its library or this project knows it; WeightsError when nobody does."""

    @property
    def weights(self) -> dict[str, str]:
        """Part -> sha256, published name, or "seeded"."""
        if self.source.seeded:
            return dict.fromkeys(self.released, SEEDED)
        files = self.source.files
        return {part: files[part].identity if part in files else name for part, name in self.released.items()}

    def weight_files(self) -> dict[str, WeightFile]:
        """Part -> its file; none on stand-ins."""
        return {} if self.source.seeded else {part: self._file(part) for part in self.released}

    def _file(self, part: str) -> WeightFile:
        file = self.source.files.get(part)
        return file if file is not None else self.known(part)

    def path(self, part: str) -> Any:
        """Where the file of a part lies."""
        return self.source.options.path(self._file(part))

    def filled(
        self,
        part: str,
        network: "torch.nn.Module",
        adapt: Callable[[Tensors], Tensors] = unchanged,
        published: Callable[[str], str] = lambda name: name,
    ) -> "torch.nn.Module":
        """The network with its weights; `adapt` renames those of a file, `published` names those of a stand-in."""
        if self.source.seeded:
            return seeded.fill(network, published)
        path = self.path(part)
        try:
            network.load_state_dict(adapt(load_tensors(path)))
        except (RuntimeError, AttributeError) as error:
            raise WeightsError(f"{path}: not the weights of this network: {str(error)[:500]}") from None
        return network


class NetworkExtractor(Weighted, Extractor):
    """An extractor whose `load` makes `self.network` by `build`."""

    network: Any

    @abstractmethod
    def build(self) -> "torch.nn.Module":
        """The network on the CPU, with its weights, cut down to what gives the features."""

    def load(self, device: str) -> None:
        """Put the network on the device."""
        self.device = device
        self.network = place(self.build(), device)

    def compile(self) -> None:
        """Compile the network."""
        import torch

        self.network = torch.compile(self.network)

    def run(self, items: NDArray[Any], prepare: Callable[["torch.Tensor"], "torch.Tensor"]) -> NDArray[np.float32]:
        """What the network gives for `prepare(items)`, both on the device."""
        import torch

        with torch.inference_mode():
            values: NDArray[np.float32] = self.forward(prepare(to_device(items, self.device))).float().cpu().numpy()
        return values

    def forward(self, batch: "torch.Tensor") -> "torch.Tensor":
        """(B, D) of a prepared batch on the device."""
        features: torch.Tensor = self.network(batch)
        return features


class NetworkEncoder(Weighted, TextEncoder):
    """A text encoder with a network."""


def place(network: "torch.nn.Module", device: str) -> "torch.nn.Module":
    """The network on the device, for use only; with channels last, where convolutions are fastest on any device."""
    import torch

    in_3d = any(parameter.dim() == 5 for parameter in network.parameters())
    order = torch.channels_last_3d if in_3d else torch.channels_last
    return network.eval().requires_grad_(False).to(device).to(memory_format=order)


def to_device(items: NDArray[Any], device: str) -> "torch.Tensor":
    """A batch as a tensor on the device; a GPU takes it from pinned memory, without waiting for the copy."""
    import torch

    batch = torch.from_numpy(np.ascontiguousarray(items))
    return batch if device == "cpu" else batch.pin_memory().to(device, non_blocking=True)


def normalised(pixels: "torch.Tensor", mean: tuple[float, ...], std: tuple[float, ...]) -> "torch.Tensor":
    """(B, ..., H, W, C) uint8 as (B, C, ..., H, W) float32: (x / 255 - mean) / std."""
    import torch

    offset, scale = (torch.tensor(values, device=pixels.device) for values in (mean, std))
    return (((pixels.float() / 255) - offset) / scale).movedim(-1, 1)


class PictureNetwork(NetworkExtractor):
    """It is shown pixels less `params.mean`, divided by `params.std`."""

    def embed(self, items: NDArray[np.uint8]) -> Embedded:
        """(B, D)."""
        return Embedded.one_per_item(
            self.run(items, lambda pixels: normalised(pixels, self.params.mean, self.params.std))
        )
