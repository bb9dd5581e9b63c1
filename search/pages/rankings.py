"""What a trained model ranks, to be looked at: some queries of a split with what they find, as plain data.

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
    from models.networks.ce import CE, Embeddings

NUM_QUERIES = 100
NUM_BEST = NUM_WORST = 25
"""So many of them are the best and the worst; the others are drawn."""
NUM_SHOWN = 5
"""What of a ranking is shown."""

TOGETHER = "all experts"
"""Stands in place of the experts for a network that makes one vector of them all."""

BEST, WORST, DRAWN = "best", "worst", "sample"


@dataclass(frozen=True)
class Ranked:
    """A split as a model ranks it."""

    split: "Split"
    experts: tuple[str, ...]
    """Those whose shares can be told apart."""
    texts: "Embeddings"
    videos: "Embeddings"
    scores: NDArray[np.float32]
    """(C, V)"""
    words: FullText
    """What can be read or heard in the videos."""


def rank(sources: "Sources", model: Path, split: str, stop_words: frozenset[str], words: Path) -> Ranked:
    """The split as the network in the folder `model` ranks it; the words in its videos are written to `words`."""
    import torch

    from models.evaluation.evaluate import CHUNK, embed_videos, scores_of
    from models.inputs.batches import Data
    from models.inputs.load import collect
    from models.networks.ce import Embeddings
    from models.training.checkpoint import load_model

    network, data = load_model(model), collect(sources, split)
    arrays = Data(data.collection, torch.device("cpu"), network.settings.mask_padding)
    every = range(len(data.captions))
    chunks = [torch.tensor(every[start : start + CHUNK]) for start in every[::CHUNK]]
    with torch.no_grad():
        texts = Embeddings.join([_texts(network, arrays, rows) for rows in chunks])
        videos = embed_videos(network, arrays)
    apart = network.settings.vector_per_expert
    names = tuple(expert.name for expert in network.experts) if apart else (TOGETHER,)
    scores = scores_of(network, arrays)
    fulltext.build(words, expert_words.read_words(sources.stores, sources.key, data.videos))
    return Ranked(data, names, texts, videos, scores, FullText(words, stop_words))


def _texts(network: "CE", arrays: Any, rows: Any) -> "Embeddings":
    texts = arrays.texts(rows)
    return network.embed_texts(texts.text, texts.counts)


def of_captions(ranked: Ranked) -> list[dict[str, Any]]:
    """Captions that look for their video: the best, the worst, and some."""
    from models.evaluation.metrics import caption_ranks

    owners = ranked.split.collection.caption_video
    ranks = caption_ranks(ranked.scores, owners) + 1
    queries = []
    for caption, kind in choose(ranks):
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


def of_videos(ranked: Ranked) -> list[dict[str, Any]]:
    """Videos that look for any of their captions: the best, the worst, and some."""
    from models.evaluation.metrics import video_ranks

    owners = ranked.split.collection.caption_video
    ranks = video_ranks(ranked.scores, owners) + 1
    queries = []
    for video, kind in choose(ranks):
        scores = ranked.scores[:, video]
        top = np.argsort(-scores, kind="stable")[:NUM_SHOWN]
        own = np.flatnonzero(owners == video)
        best = int(own[scores[own].argmax()])
        queries.append(
            {
                "kind": kind,
                "rank": float(ranks[video]),
                "video": ranked.split.videos[video].video_id,
                "tags": sorted({tag for caption in own for tag in ranked.split.tags[caption]}),
                "right": _caption(ranked, best, video),
                "found": [_caption(ranked, int(at), video) | {"right": int(owners[at]) == video} for at in top],
            }
        )
    return queries


def choose(ranks: NDArray[np.float64], count: int = NUM_QUERIES, seed: int = 0) -> list[tuple[int, str]]:
    """(query, why) of at most `count` queries, the worst first; ties fall as `seed` decides."""
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
    return sorted(chosen, key=lambda one: -ranks[one[0]])


def shown_videos(queries: Iterable[Mapping[str, Any]]) -> Sequence[str]:
    """The ids of all videos that are on the page, each once."""
    pairs = [pair for query in queries for pair in [query, query["right"], *query["found"]]]
    return list(dict.fromkeys(pair["video"] for pair in pairs if "video" in pair))


def _pair(ranked: Ranked, caption: int, video: int) -> dict[str, Any]:
    """What the model says of a caption and a video."""
    from models.networks.ce import Embeddings, shares

    text = Embeddings(
        tuple(one[caption : caption + 1] for one in ranked.texts.vectors), ranked.texts.weights[[caption]]
    )
    seen = Embeddings(tuple(one[video : video + 1] for one in ranked.videos.vectors), ranked.videos.weights[[video]])
    words = ranked.words.matched(ranked.split.captions[caption], video)
    given = shares(text, seen)[0, 0].tolist()
    there = (ranked.videos.weights[video] > 0).tolist()
    return {
        "video": ranked.split.videos[video].video_id,
        "score": round(float(ranked.scores[caption, video]), 4),
        "shares": [round(share, 4) if seen else None for share, seen in zip(given, there, strict=True)],
        "words": list(dict.fromkeys(word.text for word in words)),
    }


def _caption(ranked: Ranked, caption: int, video: int) -> dict[str, Any]:
    pair = _pair(ranked, caption, video)
    del pair["video"]
    return pair | {"caption": ranked.split.captions[caption]}
