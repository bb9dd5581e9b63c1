"""A network that gives a vector for each picture, or for each window of pictures."""

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded
from extractors.networks import NetworkExtractor, normalised

Triple = tuple[float, float, float]


class PictureNetwork(NetworkExtractor):
    """It is shown pixels less `params.mean`, divided by `params.std`."""

    def embed(self, items: NDArray[np.uint8]) -> Embedded:
        """(B, D)."""
        return Embedded.one_per_item(
            self.run(items, lambda pixels: normalised(pixels, self.params.mean, self.params.std))
        )
