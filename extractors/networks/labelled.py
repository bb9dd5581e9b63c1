"""Base class of classifiers: the input of their last layer gives the features, its output the labels."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from extractors.networks.base import NetworkExtractor
from extractors.networks.placing import network_to_device, without_autocast

if TYPE_CHECKING:
    import torch


class Classifier(NetworkExtractor):
    """An extractor whose network is a classifier without its last layer, which `build` puts into `self.head`."""

    head: Any = None
    """A torch.nn.Module that maps features (B, D) to (B, C), one number for each class."""

    @property
    def num_classes(self) -> int:
        """C, from the settings."""
        return int(self.params.classes)

    def load(self, device: str) -> None:
        """Build the network and its head, and move both to the device; the head only where labels are kept."""
        super().load(device)
        self.head = network_to_device(self.head, device) if self.label_settings else None

    def beside(self, features: "torch.Tensor") -> dict[str, NDArray[Any]]:
        """The labels of each row with the highest probabilities, in float32 whatever the precision of the network."""
        if self.label_settings is None:
            return {}
        with without_autocast(self.device):
            probabilities = self.probabilities(self.head(features.float()))
        return top_labels(probabilities.cpu().numpy(), self.label_settings.keep)

    def probabilities(self, outputs: "torch.Tensor") -> "torch.Tensor":
        """Probabilities (B, C) of the last layer's outputs; by default softmax, since one class excludes the others."""
        return outputs.softmax(dim=1)


def top_labels(probabilities: NDArray[np.float32], keep: int) -> dict[str, NDArray[Any]]:
    """`labels` (B, K): indices of the K classes with the highest of the probabilities (B, C); `label_scores`: these.

    Of equal ones the class with the lower index comes first.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :keep]
    return {"labels": order.astype(np.int16), "label_scores": np.take_along_axis(probabilities, order, axis=1)}
