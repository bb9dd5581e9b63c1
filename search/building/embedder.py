"""Puts videos and their moments through a trained network, from the stores of their features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.manifest import Video
from pipeline.stores.parts import Reader
from pipeline.stores.ragged import Ragged
from search.engines import moments
from search.index.previous_vectors import VectorBlock
from search.index.vectors import MOMENTS, VIDEOS

if TYPE_CHECKING:
    from models.inputs.aligned import Aligned
    from models.inputs.load import Sources
    from models.networks.ce import CE, Embeddings
    from models.zero_shot.label_words import TopLabels
    from models.zero_shot.stored import LabelSources

_FRAMES = "frames of {}"
"""Key of the places of a classifier's frames, which are cut into moments like its features."""


@dataclass(frozen=True)
class Embedder:
    """Embeds videos and their moments."""

    network: "CE"
    sources: "Sources"
    stored: Mapping[str, Reader]
    """Expert of the network -> its store."""
    moment_s: float
    labels: "LabelSources | None" = None
    """Label words, from whose scores a residual network starts too."""

    def embed(self, videos: Sequence[Video], owners: NDArray[np.int64]) -> dict[str, VectorBlock]:
        """VIDEOS and MOMENTS -> the vectors of the videos, which are the videos `owners` of a block."""
        keys = {name: [self.sources.key(name, video) for video in videos] for name in self.stored}
        dims = {expert.name: expert.dim for expert in self.network.experts}
        features = {name: reader.values(keys[name], dims[name]) for name, reader in self.stored.items()}
        times_s = {name: reader.times_s(keys[name]) for name, reader in self.stored.items()}
        tops = self._recognised(keys)
        for name, top in tops.items():
            places = np.arange(len(top.classes), dtype=np.float32)[:, None]
            features[_FRAMES.format(name)] = Ragged(places, top.offsets)
            times_s[_FRAMES.format(name)] = times_s[name]
        cut = moments.cut(features, times_s, self.moment_s)
        whole = _vector_block(self._embeddings(features, tops), owners, np.zeros(len(owners)))
        if not len(cut.starts_s):
            return {VIDEOS: whole, MOMENTS: whole.first(0)}
        moment_owners = np.repeat(owners, np.diff(cut.offsets))
        of_moments = _vector_block(self._embeddings(cut.features, tops), moment_owners, cut.starts_s)
        return {VIDEOS: whole, MOMENTS: of_moments}

    def _recognised(self, keys: Mapping[str, Sequence[str]]) -> "dict[str, TopLabels]":
        """What the classifiers recognised of whose scores the network starts."""
        from models.networks.residual import Residual
        from models.zero_shot.stored import top_labels

        if not isinstance(self.network, Residual) or self.labels is None:
            return {}
        names = [one.name for one in self.network.aligned if one.temperature]
        kept = {name: self.labels.classifiers[name].keep for name in names}
        return {name: top_labels(self.stored[name], keys[name], keep) for name, keep in kept.items()}

    def _embeddings(self, features: Mapping[str, Ragged], tops: "Mapping[str, TopLabels]") -> "Embeddings":
        from models.evaluation.evaluate import embed_videos
        from models.inputs.batches import Collection, Data

        text, own = self.sources.text, {name: rows for name, rows in features.items() if name in self.stored}
        no_captions = Ragged(np.zeros((0, text.dim), np.float32), np.zeros(1, np.int64))
        aligned = self._aligned(features, tops)
        owners = np.zeros(0, np.int64)
        collection = Collection(self.sources.experts, text, own, no_captions, owners, aligned=aligned)
        device = next(self.network.parameters()).device
        return embed_videos(self.network, Data(collection, device, self.network.settings.mask_padding))

    def _aligned(self, features: Mapping[str, Ragged], tops: "Mapping[str, TopLabels]") -> "dict[str, Aligned]":
        """The frozen vectors of the rows: of videos, or of moments; without captions."""
        from models.inputs.aligned import Aligned
        from models.networks.residual import Residual
        from models.zero_shot.aligned import label_rows, mean_vectors
        from models.zero_shot.label_words import TopLabels

        found = {}
        for one in self.network.aligned if isinstance(self.network, Residual) else ():
            rows = features[one.name]
            if one.name in tops and self.labels is not None:
                places, top = features[_FRAMES.format(one.name)], tops[one.name]
                order = places.values[:, 0].astype(np.int64)
                cut = TopLabels(top.classes[order], top.probabilities[order], places.offsets)
                vectors = label_rows(cut, one.dim, self.labels.settings)
            else:
                vectors = mean_vectors(rows)
            found[one.name] = Aligned(vectors, np.zeros((0, one.dim), np.float32), rows.counts > 0)
        return found


def _vector_block(embeddings: "Embeddings", owners: NDArray[np.int64], starts_s: NDArray[np.float64]) -> VectorBlock:
    vectors = tuple(values.numpy() for values in embeddings.vectors)
    return VectorBlock(owners, starts_s, vectors, embeddings.weights.numpy() > 0)
