"""The trained experts of an index: queries as vectors, videos by similarity, and the best moment of a video."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from search.engines import text_encoders
from search.index import vectors
from search.index.folder import MODEL, Facts
from search.index.previous_vectors import CUTS, MOMENTS, VIDEOS
from search.index.vectors import Query, Vectors

if TYPE_CHECKING:
    from models.networks.ce import CE
    from search.engines.approximate import Approximate

CALIBRATION = "calibration.npy"
"""The best similarities that captions of the validation split reach in the collection."""


MOST_EXACT = 50_000
"""Where filters leave no more videos than this, they are all scored."""


class Experts:
    """A trained model over the videos of an index; the network is loaded at the first query."""

    def __init__(self, folder: Path, facts: Facts) -> None:
        self._folder, self.facts = folder, facts

    @cached_property
    def videos(self) -> Vectors:
        """V rows, one a video."""
        return vectors.load(self._folder / VIDEOS, self.names)

    @cached_property
    def moments(self) -> Vectors:
        """M rows, one a moment."""
        return vectors.load(self._folder / MOMENTS, self.names)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The experts, in the model's order."""
        return tuple(expert.name for expert in self._network.experts)

    def query(self, text: str, weights: Mapping[str, float] = MappingProxyType({})) -> Query:
        """The text as the experts see it, each weight times that of `weights`, by default 1."""
        import torch

        encoder = text_encoders.load(self._folder, self.facts.text, self.facts.weight_options)
        tokens = torch.from_numpy(encoder.encode([text])[0]).unsqueeze(0)
        tokens = tokens[:, : self._network.text_input.max_tokens]
        count = torch.tensor([tokens.shape[1]])
        if not self._network.settings.mask_padding:
            tokens = torch.nn.functional.pad(tokens, (0, 0, 0, self._network.text_input.max_tokens - tokens.shape[1]))
        with torch.no_grad():
            seen = self._network.embed_texts(tokens, count)
        found = Query(tuple(one[0].numpy() for one in seen.vectors), seen.weights[0].numpy())
        return found.weighted(self._factors(weights))

    def similar(self, row: int, weights: Mapping[str, float]) -> Query:
        """The video at `row` in the place of a query."""
        return self.videos.query(row).weighted(self._factors(weights))

    def best(self, query: Query, allowed: NDArray[np.bool_], count: int) -> dict[int, float]:
        """Row -> score of the `count` best videos among those `allowed` (V,), best first."""
        rows = np.flatnonzero(allowed)
        if self._approximate and len(rows) > MOST_EXACT:
            rows = self._approximate.candidates(query, count, allowed)
        whole = len(rows) == len(self.videos)
        scores = self.videos.scores(query) if whole else self.videos.scores_of(query, rows)
        if len(rows) > count:
            kept = np.argpartition(-scores, count)[:count]
            rows, scores = rows[kept], scores[kept]
        order = np.lexsort((rows, -scores))
        return dict(zip(rows[order].tolist(), scores[order].tolist(), strict=True))

    @cached_property
    def _approximate(self) -> "Approximate | None":
        from search.engines.approximate import Approximate

        folder = self._folder / "approximate"
        return Approximate(folder) if folder.is_dir() else None

    def best_second(self, query: Query, row: int) -> float:
        """Where the moment of the video starts that fits the query best; 0 when nothing is known of its moments."""
        starts, offsets = self._moments_at
        rows = np.arange(offsets[row], offsets[row + 1])
        if not len(rows):
            return 0.0
        return float(starts[rows[int(self.moments.scores_of(query, rows).argmax())]])

    def floor(self, percentile: float, otherwise: float) -> float:
        """A similarity that few honest queries stay below."""
        reached = self._calibration
        return float(np.percentile(reached, percentile)) if len(reached) else otherwise

    @cached_property
    def _calibration(self) -> NDArray[np.float32]:
        kept: NDArray[np.float32] = np.load(self._folder / CALIBRATION)
        return kept

    def _factors(self, weights: Mapping[str, float]) -> NDArray[np.float32]:
        return np.array([weights.get(name, 1.0) for name in self.names], np.float32)

    @cached_property
    def _moments_at(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        with np.load(self._folder / CUTS) as kept:
            return kept["starts_s"], kept["offsets"]

    @cached_property
    def _network(self) -> "CE":
        from models.training.checkpoint import load_model

        return load_model(self._folder / MODEL)
