"""Base classes of extractors and text encoders with networks: weight files, loading, batches on the device."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from extractors.base import Embedded, Extractor, Plugin, TextEncoder
from extractors.networks.placing import array_to_device, network_to_device
from pipeline.errors import WeightsError
from pipeline.weights import cache, seeded
from pipeline.weights.files import SEEDED, WeightFile
from pipeline.weights.recorded import RECORDED
from pipeline.weights.tensors import by_order, load_tensors

if TYPE_CHECKING:
    import torch

Tensors = dict[str, Any]
"""State dict: name -> tensor."""
RGB = tuple[float, float, float]


def without_module_prefix(tensors: Tensors) -> Tensors:
    """The state dict without the prefix "module." that torch's DataParallel adds."""
    return {name.removeprefix("module."): tensor for name, tensor in tensors.items()}


class NetworkPlugin(Plugin):
    """An extractor or text encoder that knows the weight files of its networks, which are called its parts."""

    @property
    def dim(self) -> int:
        """D, from the settings; overridden where a network comes in one width only."""
        return int(self.params.dim)

    @property
    def published_names(self) -> Mapping[str, str]:
        """Part -> name under which its weights are published, which never changes; evaluated without its library.

        By default one part, with the name in the settings.
        """
        return {"network": self.params.network}

    @abstractmethod
    def published_file(self, part: str) -> WeightFile:
        """The published weight file of a part; WeightsError if there is none."""

    def file_without_library(self, part: str) -> WeightFile | None:
        """The published file of a part, where it is known without importing a library and has no checksum."""
        return None

    @property
    def weights(self) -> dict[str, str]:
        """Part -> sha256 (of the file in the cache, where the YAML has none), published name, or "seeded"."""
        if self.source.seeded:
            return dict.fromkeys(self.published_names, SEEDED)
        return {part: self._identity(part, name) for part, name in self.published_names.items()}

    def _identity(self, part: str, name: str) -> str:
        named = self.source.files.get(part)
        file = named or self.file_without_library(part)
        if file is None or file.sha256:
            return file.identity("") if file else name
        contents = self.source.contents
        sha256, is_here = (contents[part], True) if contents.get(part) else cache.content(file, self.source.options)
        contents[part] = sha256 if is_here else ""
        return file.identity(sha256) if sha256 or named else name

    def unknown_parts(self) -> list[str]:
        """The parts that a recipe names by content, and whose content is not known since they were never here."""
        if self.source.seeded:
            return []
        files = {part: self.source.files.get(part) or self.file_without_library(part) for part in self.published_names}
        options = self.source.options
        return [
            part for part, file in files.items() if file and not file.sha256 and not cache.content(file, options)[0]
        ]

    def weight_files(self) -> dict[str, WeightFile]:
        """Part -> its file; empty with stand-in weights."""
        return {} if self.source.seeded else {part: self._file(part) for part in self.published_names}

    def _file(self, part: str) -> WeightFile:
        # The recorded ones first: a library that has a table of files takes seconds to import.
        recorded = self.source.files.get(part) or RECORDED.get(self.published_names[part])
        return recorded or self.published_file(part)

    def weight_path(self, part: str) -> Path:
        """Path of the file of a part in the cache, to be loaded.

        WeightsError where it is missing, wrong, or another one than that for which the recipe stands.
        """
        file, options = self._file(part), self.source.options
        sha256 = cache.verified_sha256(file, options)
        if self.source.contents.get(part, sha256) != sha256:
            raise WeightsError(f"{options.path(file)}: was replaced after this run had begun; run again")
        return options.path(file)

    def with_weights(
        self,
        part: str,
        network: "torch.nn.Module",
        adapt: Callable[[Tensors], Tensors] = lambda tensors: tensors,
    ) -> "torch.nn.Module":
        """The network with the weights of a part loaded; `adapt` turns the file's state dict into the network's.

        WeightsError if the file does not fit the network.
        """
        is_empty = any(tensor.is_meta for tensor in network.state_dict().values())
        if self.source.seeded:
            return seeded.fill(network.to_empty(device="cpu") if is_empty else network)
        path = self.weight_path(part)
        loaded = load_tensors(path)
        try:
            tensors = adapt(loaded)
            if self._file(part).state_dict == "by_order":
                tensors = by_order(tensors, network.state_dict())
            network.load_state_dict(tensors, assign=is_empty)
        except (WeightsError, RuntimeError, AttributeError) as error:
            raise WeightsError(f"{path}: not the weights of this network: {str(error)[:500]}") from None
        # Tensors that are copied get the network's type by that, those that are taken as they are do not.
        return network.float() if is_empty else network


class NetworkExtractor(NetworkPlugin, Extractor):
    """An extractor that runs one network, `self.network`."""

    device: str
    network: Any
    """A torch.nn.Module, whose own attributes mypy would take for tensors."""

    @abstractmethod
    def build(self) -> "torch.nn.Module":
        """The network on the CPU, with its weights, cut down to the layers that give the features."""

    def load(self, device: str) -> None:
        """Build the network and move it to the device."""
        self.device = device
        self.network = network_to_device(self.build(), device, self.is_channels_last(device))

    def is_channels_last(self, device: str) -> bool:
        """Whether the channels of a pixel lie beside one another in memory: the fastest layout for convolutions."""
        return True

    def compile(self) -> None:
        """Compile the network."""
        import torch

        self.network = torch.compile(self.network)

    def run(
        self,
        items: NDArray[Any],
        preprocess: Callable[["torch.Tensor"], "torch.Tensor"] = lambda batch: batch,
    ) -> Embedded:
        """One row for each item: the output (B, D) of the network for `preprocess(items)`, and what stands beside it.

        All is computed on the device.
        """
        import torch

        with torch.inference_mode():
            batch = array_to_device(items, self.device)
            parts = batch.tensor_split(self.parts_on_cpu(items)) if self.device == "cpu" else (batch,)
            features = torch.cat([self.forward(preprocess(part)) for part in parts])
            return Embedded.one_per_item(features.float().cpu().numpy(), self.beside(features))

    def parts_on_cpu(self, items: NDArray[Any]) -> int:
        """In how many parts a CPU is given the batch; more take less memory.

        Clips (B, T, H, W, C) are parts of their own: a second one takes 100 MB more, and 0 to 6 % less time (I3D, S3D).
        """
        return max(1, len(items)) if items.ndim == 5 else 1

    def forward(self, batch: "torch.Tensor") -> "torch.Tensor":
        """The output (B, D) for a preprocessed batch on the device."""
        features: torch.Tensor = self.network(batch)
        return features

    def beside(self, features: "torch.Tensor") -> dict[str, NDArray[Any]]:
        """Extras of the rows with these features (B, D), which are on the device; none by default."""
        return {}


class NetworkEncoder(NetworkPlugin, TextEncoder):
    """A text encoder with a network."""
