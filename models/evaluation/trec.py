"""Rankings in the form of TREC: runs, qrels, and the measures that a kept library (ir_measures) takes from them.

A caption is named `<video>#<n>`, n being its place among the captions of its video, from 0. TREC separates fields by
blanks: in names, all but ASCII letters, digits and `_.-~/` are percent-encoded, as in addresses. TREC has an order for
equal scores: by name, the last of the alphabet first. So it is in the files too, whatever the seed. C captions, V
videos, N queries, M documents, S seeds.
"""

import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from models.evaluation.metrics import RECALLS, over_seeds
from models.evaluation.report_columns import T2V, V2T
from models.inputs.load import Split
from pipeline.stores import atomic

DEPTH = 1000
"""Number of documents that a run keeps of a query, as is usual at TREC: what stands below counts as not found."""
SAME_CAPTION = "t2v_same_caption"
"""Qrels of captions in which any video is right that bears exactly the same caption."""
MEASURES = {"nDCG@10": "nDCG@10", "MAP": "AP", "MRR": "RR"} | {f"Success@{k}": f"Success@{k}" for k in RECALLS}
"""What it is called here -> in ir_measures."""
FILE, CAPTIONS = "measures.json", "captions.tsv"
_CHUNK = 512
"""Number of queries that are ranked and measured at a time."""


@dataclass(frozen=True)
class Listing:
    """One direction of retrieval, without scores."""

    name: str
    queries: Sequence[str]
    """N names."""
    documents: Sequence[str]
    """M names."""
    qrels: Mapping[str, Sequence[NDArray[np.int64]]]
    """Name of the judgement -> for each of the N queries, the places of its right documents, in ascending order."""

    @functools.cached_property
    def by_name(self) -> NDArray[np.int64]:
        """(M,): the documents from the last to the first of the alphabet, the order of equal scores."""
        return np.array(sorted(range(len(self.documents)), key=self.documents.__getitem__, reverse=True), np.int64)

    def best(self, scores: NDArray[np.float32], depth: int) -> NDArray[np.int64]:
        """(Q, at most `depth`): the places of the best documents for Q queries with the `scores` (Q, M)."""
        order = np.argsort(-scores[:, self.by_name], axis=1, kind="stable")[:, :depth]
        return self.by_name[order]


def name_of(text: str) -> str:
    """A name without blanks; `urllib.parse.unquote` gives the text back."""
    return quote(text, safe="/", errors="surrogateescape")


def listings(data: Split) -> dict[str, Listing]:
    """Both directions of a split: captions that look for videos, and videos that look for captions."""
    owners = data.collection.caption_video
    videos = [name_of(video.video_id) for video in data.videos]
    counts = np.bincount(owners, minlength=len(videos))
    starts = np.cumsum(counts) - counts
    # The captions of a video stand together, in the order of the manifest.
    captions = [f"{videos[owner]}#{place - starts[owner]}" for place, owner in enumerate(owners.tolist())]
    bearers: dict[str, set[int]] = {}
    for text, owner in zip(data.captions, owners.tolist(), strict=True):
        bearers.setdefault(text, set()).add(owner)
    same = {text: np.array(sorted(found), np.int64) for text, found in bearers.items()}
    to_videos = {T2V: list(owners[:, None]), SAME_CAPTION: [same[text] for text in data.captions]}
    to_captions = {V2T: [np.flatnonzero(owners == video) for video in range(len(videos))]}
    return {T2V: Listing(T2V, captions, videos, to_videos), V2T: Listing(V2T, videos, captions, to_captions)}


def write(
    folder: Path, data: Split, scores: Iterable[tuple[int, NDArray[np.float32]]], depth: int = DEPTH
) -> list[Path]:
    """Writes qrels, a run of each seed and direction, the captions and measures.json; returns the paths.

    `scores`: seed and (C, V) similarities, for each of S seeds; a matrix is let go before the next one is taken.
    """
    both = listings(data)
    paths = [_write_qrels(folder / f"{name}.qrels", of, name) for of in both.values() for name in of.qrels]
    paths.append(folder / CAPTIONS)
    texts = [f"{name}\t{' '.join(text.split())}\n" for name, text in zip(both[T2V].queries, data.captions, strict=True)]
    atomic.write_text(paths[-1], "".join(texts))
    found: dict[str, list[Mapping[str, float]]] = {}
    for seed, matrix in scores:
        for listing, of in ((both[T2V], matrix), (both[V2T], matrix.T)):
            paths.append(folder / f"{listing.name}.seed_{seed}.run")
            for name, values in _write_run(paths[-1], listing, of, depth).items():
                found.setdefault(name, []).append(values)
    body = {"depth": depth, "measures": {name: over_seeds(values) for name, values in found.items()}}
    atomic.write_text(folder / FILE, json.dumps(body, indent=1))
    return [*paths, folder / FILE]


def _write_qrels(path: Path, listing: Listing, name: str) -> Path:
    with atomic.replacing(path) as written, written.open("w", encoding="ascii") as file:
        for query, right in zip(listing.queries, listing.qrels[name], strict=True):
            file.writelines(f"{query} 0 {listing.documents[place]} 1\n" for place in right.tolist())
    return path


def _write_run(path: Path, listing: Listing, scores: NDArray[np.float32], depth: int) -> dict[str, dict[str, float]]:
    """Writes the run of (N, M) scores; name of each judgement -> measure -> its mean over the N queries."""
    values: dict[str, list[dict[str, float]]] = {name: [] for name in listing.qrels}
    with atomic.replacing(path) as written, written.open("w", encoding="ascii") as file:
        for first, run in _runs(listing, scores, depth):
            for query, found in run.items():
                # Nine digits give a number of 32 bits back exactly.
                file.writelines(
                    f"{query} Q0 {document} {rank} {score:.9g} {path.stem}\n"
                    for rank, (document, score) in enumerate(found.items(), 1)
                )
            for name, right in listing.qrels.items():
                some = right[first : first + len(run)]
                values[name] += measures(run, _judged(listing, list(run), some)).values()
    return {name: {key: float(np.mean([one[key] for one in of])) for key in MEASURES} for name, of in values.items()}


def _runs(
    listing: Listing, scores: NDArray[np.float32], depth: int
) -> Iterator[tuple[int, dict[str, dict[str, float]]]]:
    """(place of the first query, query -> document -> score, best first) of some queries at a time."""
    for first in range(0, len(listing.queries), _CHUNK):
        some = np.ascontiguousarray(scores[first : first + _CHUNK])
        best = listing.best(some, depth)
        rows = zip(best.tolist(), np.take_along_axis(some, best, 1).tolist(), strict=True)
        yield (
            first,
            {
                query: {listing.documents[place]: score for place, score in zip(*row, strict=True)}
                for query, row in zip(listing.queries[first : first + _CHUNK], rows, strict=True)
            },
        )


def _judged(listing: Listing, queries: Sequence[str], right: Sequence[NDArray[np.int64]]) -> dict[str, dict[str, int]]:
    return {
        query: {listing.documents[place]: 1 for place in places.tolist()}
        for query, places in zip(queries, right, strict=True)
    }


def measures(
    run: Mapping[str, Mapping[str, float]], qrels: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, float]]:
    """Query -> measure -> value from 0 to 1, by trec_eval; `run`: query -> document -> score, `qrels`: -> grade."""
    import ir_measures

    names: dict[Any, str] = {ir_measures.parse_measure(theirs): ours for ours, theirs in MEASURES.items()}
    found: dict[str, dict[str, float]] = {query: {} for query in run}
    for value in ir_measures.iter_calc(list(names), qrels, run):
        found[value.query_id][names[value.measure]] = float(value.value)
    return found
