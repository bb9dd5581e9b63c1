"""Linear layers by oneDNN where it multiplies faster than MKL, on processors of AMD.

CLIP's ViT-B/16 is 1.7 times as fast so, BERT twice (Zen 5); a decoder that adds word to word gains nothing, since it
waits for its weights. Imported lazily, as it needs torch.
"""

from collections.abc import Sequence

import torch
from torch import nn

from extractors.networks.own_layers import is_for_ours
from pipeline.running.onednn import is_faster_than_mkl, product

LARGE = 1 << 16
"""Number of weights from which on a layer is multiplied so: a smaller one gains less than the extra call costs."""

SIZES = 8
"""Numbers of rows that are multiplied, from one power of two to the next: of each number oneDNN keeps code of its own,
0.7 MB for each layer of one size, which for texts of any length came to 540 MB in place of 140."""


def with_fast_linear(network: nn.Module, kinds: Sequence[type[nn.Linear]] = (nn.Linear,)) -> nn.Module:
    """The network, whose large linear layers of exactly these kinds are computed by oneDNN where that is faster here.

    Layers keep their places, names and tensors, and what they compute of other numbers than float32.
    """
    if is_faster_than_mkl():
        for module in network.modules():
            if isinstance(module, nn.Linear) and type(module) in kinds and module.weight.numel() >= LARGE:
                module.__class__ = _by_onednn(type(module))
    return network


class ByOneDnn(nn.Linear):
    """A linear layer that oneDNN computes, where it is one for ours."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., D) to (..., D')."""
        if not is_for_ours(x, self.weight, self.bias):
            return super().forward(x)
        rows = x.reshape(-1, x.shape[-1])
        missing = _size(len(rows)) - len(rows)
        filled = nn.functional.pad(rows, (0, 0, 0, missing)) if missing else rows
        return product(filled, self.weight, self.bias)[: len(rows)].reshape(*x.shape[:-1], len(self.weight))


_BY_KIND: dict[type[nn.Linear], type[nn.Linear]] = {nn.Linear: ByOneDnn}
"""What a kind of layers becomes."""


def _by_onednn(kind: type[nn.Linear]) -> type[nn.Linear]:
    """A kind of layers that is one of `kind`."""
    if kind not in _BY_KIND:
        _BY_KIND[kind] = type(f"{kind.__name__}ByOneDnn", (ByOneDnn, kind), {})
    return _BY_KIND[kind]


def _size(number: int) -> int:
    """The next one of the SIZES of each octave."""
    step = max(1, (1 << (number - 1).bit_length()) // 2 // SIZES)
    return -(-number // step) * step
