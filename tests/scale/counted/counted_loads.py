"""An expert like rgb_light that writes the id of each process that loads it, as if it had networks."""

import os

from extractors.colour_shape import Expert as ColourShape
from extractors.colour_shape import Params

__all__ = ["Expert", "Params"]


class Expert(ColourShape):
    def load(self, device):
        super().load(device)
        with open(os.environ["COUNTED_LOADS"], "a") as file:  # noqa: PTH123 - one write, so that no lines mix
            file.write(f"{os.getpid()}\n")
