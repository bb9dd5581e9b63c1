"""Collaborative Experts (Liu et al., BMVC 2019): scores captions against videos, from the features of several experts.

B videos, C captions of each, N captions or videos, E experts, T time steps, W words, D feature.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn

from models.architecture import Architecture
from models.network_inputs import ExpertInput, TextInput
from models.networks.netvlad import First, NetVLAD
from models.networks.norms import Standardise
from models.networks.video import branches
from pipeline.errors import ConfigError

UNSEEN = -1.0
"""Score of a video for which no expert has features: the lowest possible, so that it never outranks any other."""


@dataclass(frozen=True)
class Embeddings:
    """N videos or N captions, embedded expert by expert: all that a score needs. Rows do not depend on one another.

    A network that makes one vector of all experts counts as one expert here, present when any expert is.
    """

    vectors: tuple[Tensor, ...]
    """For each expert, in the model's order: (N, D_e) of length 1 (with `gating: concat` of any length)."""
    weights: Tensor
    """(N, E). Videos: 1 where the expert is present, else 0; captions: weights of the experts, which sum to 1."""
    is_summed: bool = False
    """Whether a score is the plain sum over all experts, missing ones too; then all `weights` are 1."""
    counted: Tensor | None = None
    """(E,), of videos: 1 for the experts whose weights make up the mean, 0 for those whose share is added to it; None:
    all make up the mean."""

    def __len__(self) -> int:
        return len(self.weights)

    def take(self, rows: Tensor) -> "Embeddings":
        """The embeddings at `rows`."""
        rows = rows.to(self.weights.device)
        vectors = tuple(vectors[rows] for vectors in self.vectors)
        return Embeddings(vectors, self.weights[rows], self.is_summed, self.counted)

    @classmethod
    def join(cls, chunks: Sequence["Embeddings"]) -> "Embeddings":
        """The concatenation of the chunks."""
        vectors = tuple(torch.cat(parts) for parts in zip(*(chunk.vectors for chunk in chunks), strict=True))
        weights = torch.cat([chunk.weights for chunk in chunks])
        return cls(vectors, weights, chunks[0].is_summed, chunks[0].counted)


def score(texts: Embeddings, videos: Embeddings) -> Tensor:
    """(C, B) in -1..1: the dot products, averaged over the experts that the video has, with the caption's weights.

    A video without any expert scores UNSEEN. Vectors that are not of length 1 give scores of any size; if the lowest of
    them is below UNSEEN, it is the score of such a video. Embeddings that are summed are in -E..E.
    """
    left, right = _weighted(texts), _weighted(videos)
    with torch.autocast(left.device.type, enabled=False):  # ranks depend on small differences between scores
        scores = left @ right.T / _total_weights(texts, videos)
    lowest = scores.detach().min().clamp(max=UNSEEN)
    return torch.where(videos.weights.sum(1) == 0, lowest, scores)


def shares(texts: Embeddings, videos: Embeddings) -> Tensor:
    """(C, B, E): contribution of each expert to `score`, which is their sum; 0 where the video lacks the expert."""
    agreement = torch.stack([text @ video.T for text, video in zip(texts.vectors, videos.vectors, strict=True)], 2)
    weights = texts.weights.unsqueeze(1) * videos.weights
    return agreement * weights / _total_weights(texts, videos).unsqueeze(2)


def _weighted(embedded: Embeddings) -> Tensor:
    """(N, sum of all D_e): the vectors, each multiplied by its weight."""
    columns = zip(embedded.vectors, embedded.weights.unbind(1), strict=True)
    return torch.cat([vectors * weights.unsqueeze(1) for vectors, weights in columns], 1)


def _total_weights(texts: Embeddings, videos: Embeddings) -> Tensor:
    if videos.is_summed:
        return texts.weights.new_ones(len(texts), len(videos))
    if videos.counted is None:
        return (texts.weights @ videos.weights.T).clamp_min(torch.finfo(torch.float32).tiny)
    total = texts.weights @ (videos.weights * videos.counted).T
    return torch.where(total > 0, total, 1.0)


class CE(nn.Module):
    """The network: CE, MoEE or a baseline, depending on its settings.

    The experts are sorted by name, as released. With `sums_missing` a score is the plain sum over all experts, those
    that a video lacks too, whose features are zeros: `keep_missing_modalities` of the released code.
    """

    def __init__(
        self, experts: Sequence[ExpertInput], text: TextInput, settings: Architecture, sums_missing: bool = False
    ) -> None:
        super().__init__()
        self.sums_missing = sums_missing
        settings.check_number(len(experts))
        self.experts = tuple(sorted(experts, key=lambda expert: expert.name))
        self.text_input, self.settings = text, settings
        text_dim = text.pooled_dim
        self.inputs = nn.ModuleList(Standardise(e.dim) if settings.standardise else nn.Identity() for e in self.experts)
        self.pools = nn.ModuleList(
            NetVLAD(e.dim, e.clusters) if e.pool == "vlad" else nn.Identity() for e in self.experts
        )
        self.text_pool = NetVLAD(text.dim, text.clusters, text.ghost_clusters) if text.clusters else First()
        learned = settings.mixture == "learned" and settings.vector_per_expert and not sums_missing
        self.mixture = nn.Linear(text_dim, len(self.experts)) if learned else None
        self.video, self.text = branches(self.experts, text_dim, settings)

    def forward(
        self,
        experts: Mapping[str, Tensor],
        available: Mapping[str, Tensor],
        text: Tensor,
        counts: Mapping[str, Tensor] | None = None,
        text_counts: Tensor | None = None,
        aligned: tuple[Mapping[str, Tensor], Mapping[str, Tensor]] = ({}, {}),
    ) -> Tensor:
        """Scores (B * C, B) of captions (B, C, W, D), grouped by video, against all B videos.

        The other arguments are those of `embed_videos` and `embed_texts`; `text_counts` is (B, C), and `aligned` the
        frozen vectors of videos and of captions.
        """
        flat_counts = None if text_counts is None else text_counts.flatten()
        texts = self.embed_texts(text.flatten(0, 1), flat_counts, aligned[1])
        return score(texts, self.embed_videos(experts, available, counts, aligned[0]))

    @torch.no_grad()
    def similarity(self, experts: Mapping[str, Tensor], available: Mapping[str, Tensor], text: Tensor) -> Tensor:
        """`forward` in evaluation mode, without token counts: all tokens are real."""
        mode = self.training
        scores: Tensor = self.eval()(experts, available, text)
        self.train(mode)
        return scores

    def embed_videos(
        self,
        experts: Mapping[str, Tensor],
        available: Mapping[str, Tensor],
        counts: Mapping[str, Tensor] | None = None,
        aligned: Mapping[str, Tensor] = MappingProxyType({}),
    ) -> Embeddings:
        """The embeddings of B videos; all arguments are keyed by the name of the expert.

        `experts`: (B, D), for vlad (B, T, D); the rows of missing experts are ignored. `available`: (B,), 1 or 0.
        `counts` (B,): number of real tokens in each row, read for vlad with `mask_padding`; None: all are real.
        `aligned`: frozen vectors, which only `models.networks.residual` reads.
        """
        present = torch.stack([available[expert.name] for expert in self.experts], 1).to(torch.float32)
        pooled = []
        for index, expert in enumerate(self.experts):
            features = self.inputs[index](experts[expert.name])
            missing = (present[:, index] == 0).view(-1, *[1] * (features.dim() - 1))
            features = features.masked_fill(missing, 0.0)
            if expert.pool == "vlad":
                features = self.pools[index](features, self._real(None if counts is None else counts[expert.name]))
            pooled.append(features)
        weights = present if self.settings.vector_per_expert else present.amax(1, keepdim=True)
        if self.sums_missing:
            weights = torch.ones_like(weights)
        return Embeddings(tuple(self.video(pooled, present)), weights, self.sums_missing)

    def embed_texts(
        self, text: Tensor, counts: Tensor | None = None, aligned: Mapping[str, Tensor] = MappingProxyType({})
    ) -> Embeddings:
        """The embeddings of captions (N, W, D); `counts` (N,): number of real tokens, read with `mask_padding`.

        `aligned`: as for `embed_videos`.
        """
        pooled = self.text_pool(text, self._real(counts))
        return Embeddings(tuple(embed(pooled) for embed in self.text), self._mixture(pooled), self.sums_missing)

    def fit_inputs(self, values: Mapping[str, Tensor]) -> None:
        """With `standardise`: computes its constants from `values`, all training vectors (N, D) of each expert."""
        for expert, layer in zip(self.experts, self.inputs, strict=True):
            if isinstance(layer, Standardise):
                layer.fit(values[expert.name])

    def check_vector_per_expert(self, wanted_by: str) -> None:
        """Raises ConfigError, naming `wanted_by`, when the network makes one vector of all experts."""
        if not self.settings.vector_per_expert:
            raise ConfigError(
                f"{wanted_by} needs a vector of each expert, and a model with architecture.gating: "
                f"{self.settings.gating} makes one of all together; choose a model with another gating"
            )

    def _real(self, counts: Tensor | None) -> Tensor | None:
        return counts if self.settings.mask_padding else None

    def _mixture(self, pooled: Tensor) -> Tensor:
        if self.mixture is None:
            share = 1 if self.sums_missing else 1 / len(self.text)
            return pooled.new_full((len(pooled), len(self.text)), share)
        weights: Tensor = self.mixture(pooled).float().softmax(1)
        return weights
