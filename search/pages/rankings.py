"""Collects sample queries of a split with their best results by a trained model, as plain JSON for the rankings page.

V videos, C captions, E experts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from search.building import expert_words
from search.engines import fulltext
from search.engines.fulltext import FullText

if TYPE_CHECKING:
    from models.inputs.load import Sources, Split
    from models.networks.ce import Embeddings
    from models.zero_shot.stored import LabelSources

NUM_QUERIES = 1000
NUM_BEST = NUM_WORST = 250
"""How many of the queries are those with the best and the worst ranks; the others are drawn at random."""
NUM_SHOWN = 5
"""Number of results shown for each query."""

TOGETHER = "all experts"
"""Name in place of the experts for a network that makes one vector of them all."""

BEST, WORST, DRAWN = "best", "worst", "sample"


@dataclass(frozen=True)
class Ranked:
    """The embeddings and scores of a split by one model."""

    split: "Split"
    experts: tuple[str, ...]
    """Names for the shares of a score, in the order of the embeddings."""
    texts: "Embeddings"
    videos: "Embeddings"
    scores: NDArray[np.float32]
    """(C, V)"""
    words: FullText
    """The recognised words of the videos."""


def rank(
    sources: "Sources",
    model: Path,
    split: str,
    stop_words: frozenset[str],
    words: Path,
    labels: "LabelSources | None" = None,
) -> Ranked:
    """Ranks the split with the network in the folder `model`; writes the words of its videos to the file `words`.

    `labels`: label words, from whose scores a residual network starts too.
    """
    import torch

    from models.evaluation.evaluate import embed_texts, embed_videos, scores_of
    from models.inputs.batches import Data
    from models.training.checkpoint import load_model
    from models.zero_shot.aligned import collected

    network = load_model(model)
    loaded = collected(sources, network.settings, labels, split, to_report=True)
    data = Data(loaded.collection, torch.device("cpu"), network.settings.mask_padding)
    with torch.no_grad():
        texts = embed_texts(network, data)
        videos = embed_videos(network, data)
    has_shares = network.settings.vector_per_expert
    names = tuple(expert.name for expert in network.experts) if has_shares else (TOGETHER,)
    scores = scores_of(network, data)
    fulltext.build(words, expert_words.read_words(sources.stores, sources.key, loaded.videos))
    return Ranked(loaded, names, texts, videos, scores, FullText(words, stop_words))


def caption_queries(ranked: Ranked) -> list[dict[str, Any]]:
    """Captions as queries for videos: those with the best and worst ranks, and a random sample."""
    from models.evaluation.metrics import caption_ranks

    owners = ranked.split.collection.caption_video
    ranks = caption_ranks(ranked.scores, owners).mean + 1
    queries = []
    for caption, kind in sample_queries(ranks):
        scores = ranked.scores[caption]
        right = int(owners[caption])
        top = np.argsort(-scores, kind="stable")[:NUM_SHOWN]
        queries.append(
            {
                "kind": kind,
                "rank": float(ranks[caption]),
                "caption": ranked.split.captions[caption],
                "tags": list(ranked.split.tags[caption]),
                "right": _pair(ranked, caption, right),
                "found": [_pair(ranked, caption, int(video)) | {"right": int(video) == right} for video in top],
            }
        )
    return queries


def video_queries(ranked: Ranked) -> list[dict[str, Any]]:
    """Videos as queries for any of their captions: those with the best and worst ranks, and a random sample."""
    from models.evaluation.metrics import video_ranks

    owners = ranked.split.collection.caption_video
    ranks = video_ranks(ranked.scores, owners).mean + 1
    queries = []
    for video, kind in sample_queries(ranks):
        scores = ranked.scores[:, video]
        top = np.argsort(-scores, kind="stable")[:NUM_SHOWN]
        captions = np.flatnonzero(owners == video)
        best = int(captions[scores[captions].argmax()])
        queries.append(
            {
                "kind": kind,
                "rank": float(ranks[video]),
                "video": ranked.split.videos[video].video_id,
                "tags": sorted({tag for caption in captions for tag in ranked.split.tags[caption]}),
                "right": _caption(ranked, best, video),
                "found": [
                    _caption(ranked, int(found), video) | {"right": int(owners[found]) == video} for found in top
                ],
            }
        )
    return queries


def sample_queries(ranks: NDArray[np.float64], count: int = NUM_QUERIES, seed: int = 0) -> list[tuple[int, str]]:
    """(query, kind) of at most `count` queries, the worst rank first; `seed` decides between equal ranks."""
    order = np.random.default_rng(seed).permutation(np.flatnonzero(~np.isnan(ranks)))
    order = order[np.argsort(ranks[order], kind="stable")]
    if len(order) <= count:
        third = -(-len(order) // 3)
        kinds = [BEST] * third + [DRAWN] * max(0, len(order) - 2 * third) + [WORST] * third
        chosen = list(zip(order.tolist(), kinds, strict=False))
    else:
        between = order[NUM_BEST:-NUM_WORST]
        drawn = np.random.default_rng(seed).choice(between, count - NUM_BEST - NUM_WORST, replace=False)
        chosen = [(int(query), BEST) for query in order[:NUM_BEST]] + [(int(query), DRAWN) for query in drawn]
        chosen += [(int(query), WORST) for query in order[-NUM_WORST:]]
    return sorted(chosen, key=lambda pair: -ranks[pair[0]])


def shown_videos(queries: Iterable[Mapping[str, Any]]) -> Sequence[str]:
    """The ids of all videos on the page, without repetitions."""
    pairs = [pair for query in queries for pair in [query, query["right"], *query["found"]]]
    return list(dict.fromkeys(pair["video"] for pair in pairs if "video" in pair))


def _pair(ranked: Ranked, caption: int, video: int) -> dict[str, Any]:
    """Score, shares and common words of a caption and a video."""
    import torch

    from models.networks.ce import shares

    text, embedded = ranked.texts.take(torch.tensor([caption])), ranked.videos.take(torch.tensor([video]))
    words = ranked.words.matched(ranked.split.captions[caption], video)
    by_expert = shares(text, embedded)[0, 0].tolist()
    present = (ranked.videos.weights[video] > 0).tolist()
    return {
        "video": ranked.split.videos[video].video_id,
        "score": round(float(ranked.scores[caption, video]), 4),
        "shares": [round(share, 4) if has else None for share, has in zip(by_expert, present, strict=True)],
        "words": list(dict.fromkeys(word.text for word in words)),
    }


def _caption(ranked: Ranked, caption: int, video: int) -> dict[str, Any]:
    pair = _pair(ranked, caption, video)
    del pair["video"]
    return pair | {"caption": ranked.split.captions[caption]}
