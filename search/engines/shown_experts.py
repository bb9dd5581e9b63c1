"""The experts of an index that can be shown an example, each built once in a process, with its networks."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extractors import registry
from extractors.extraction.batches import Batches
from extractors.extraction.video_rows import VideoRows
from extractors.registry import NamedExpert
from pipeline.errors import PipelineError
from pipeline.stores.fingerprint import fingerprint
from pipeline.weights import cache
from pipeline.weights.files import WeightOptions
from search.index.folder import EXPERTS
from search.index.vectors import Floats


@dataclass(frozen=True)
class ShownExpert:
    """An expert that can be shown an example."""

    named: NamedExpert
    batches: Batches
    """Its networks, loaded with the first batch."""

    def features(self, items: NDArray[np.generic], times_s: NDArray[np.float64]) -> Floats:
        """(n, D), as the extraction of a video of these items (N, ...) with their `times_s` (N, 2) would store them."""
        items = np.array(items)  # what comes from a decode worker must not be written to
        rows, size = VideoRows("", has_ended=True), self.named.config.runtime.batch_size
        for first in range(0, len(items), size):
            self.batches.load()
            embedded = self.batches.embed(items[first : first + size])
            for index, time_s in enumerate(times_s[first : first + size]):
                rows.append(time_s, embedded, np.flatnonzero(embedded.item_index == index))
        extractor = self.named.extractor
        return extractor.finish(rows.features(extractor.dim)).values


@lru_cache(maxsize=64)
def load(folder: Path, name: str, options: WeightOptions, expected: str) -> ShownExpert:
    """The expert whose YAML is experts/`name`.yaml in the index at `folder`, built once in a process.

    PipelineError when it was imported, is another one than the index was built with, or its weights are not here.
    """
    if not expected:
        raise PipelineError("its features were imported, not extracted; only a moment of a video can be compared")
    expert = registry.expert(name, folder / EXPERTS, options)
    if fingerprint(expert.recipe) != expected:
        raise PipelineError("it is not as the index was built with; run BuildIndex again")
    cache.ensure(registry.weight_files([expert.extractor]), options)
    return ShownExpert(expert, Batches(expert, "cpu"))
