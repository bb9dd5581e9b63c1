"""torchvision's RAFT on films: what it sees in a frame is computed once, not for each of the two pairs it is in.

F films of T + 1 frames, P pairs of neighbouring frames, C features, H x W pixels.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from extractors.networks.placing import equal_share

HALVES = slice(-1), slice(1, None)
"""The first frames of all pairs of a film, and the second ones."""


class FilmRaft:
    """Optical flow between the neighbouring frames of films."""

    def __init__(self, network: Any) -> None:
        """`network`: torchvision's RAFT; it can be used by itself as before."""
        self.network = network
        network.feature_encoder = self._encoder = _Encoder(network.feature_encoder)

    def flow(self, films: torch.Tensor, iterations: int, at_once: int) -> Iterator[torch.Tensor]:
        """Flow (P, 2, H, W) in px of films (F, T + 1, 3, H, W) in -1..1, film after film, `at_once` pairs at most.

        As many films at a time as go evenly into their number; of a longer one its pairs in turn.
        """
        for some in torch.split(films, equal_share(len(films), at_once // max(1, films.shape[1] - 1))):
            # Its encoder normalises each frame by itself: the features do not depend on those beside it.
            frames = torch.split(some.flatten(0, 1), at_once + len(some))
            features = torch.cat([self._encoder.network(part) for part in frames])
            features = features.view(*some.shape[:2], *features.shape[1:])
            halves = (all_of[:, half].flatten(0, 1) for all_of in (some, features) for half in HALVES)
            for pairs in zip(*(torch.split(half, at_once) for half in halves), strict=True):
                yield self._flow_of_pairs(*pairs, iterations=iterations)

    def _flow_of_pairs(self, first: torch.Tensor, second: torch.Tensor, *seen: torch.Tensor, iterations: int) -> Any:
        """Flow (P, 2, H, W) from the first frames to the second ones (P, 3, H, W); `seen`: the features of both."""
        self._encoder.known = torch.cat(seen)
        try:
            return self.network(first, second, num_flow_updates=iterations)[-1].float()
        finally:
            self._encoder.known = None


class _Encoder(nn.Module):
    """RAFT's feature encoder, which is asked for the first and the second frames of all pairs in one batch."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.known: torch.Tensor | None = None
        """What it says next, in place of looking."""

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Features (2 P, C, H / 8, W / 8) of frames (2 P, 3, H, W)."""
        features: torch.Tensor = self.network(frames) if self.known is None else self.known
        return features
