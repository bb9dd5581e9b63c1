"""Rankings in the form of TREC: runs, qrels, and the measures that a kept library (ir_measures) takes from them.

A caption is named `<video>#<n>`, n being its place among the captions of its video, from 0. TREC separates fields by
blanks: in names, all but ASCII letters, digits and `_.-~/` are percent-encoded, as in addresses. TREC has an order for
equal scores: by name, the last of the alphabet first. So it is in the files too, whatever the seed. C captions, V
videos, N queries, M documents, S seeds.

Where videos answer captions better or worse, or captions are queries of a benchmark, there is a further run: each query
once, whatever the number of its videos, by the name that its owners gave it. The gain of nDCG is the grade itself, as
trec_eval has it (others take 2 ** grade - 1); for MAP, MRR and Success any grade from 1 on is right.
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
from pipeline.datasets.annotations import Caption
from pipeline.stores import atomic

DEPTH = 1000
"""Number of documents that a run keeps of a query, as is usual at TREC: what stands below counts as not found."""
SAME_CAPTION = "t2v_same_caption"
"""Qrels of captions in which any video is right that bears exactly the same caption."""
GRADED = "t2v_graded"
"""Queries that each stand once, with the grades of all videos that answer them."""
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
    qrels: Mapping[str, Sequence[Mapping[int, int]]]
    """Name of the judgement -> for each of the N queries, place of each right document, ascending -> its grade."""
    rows: Sequence[int] | None = None
    """The row of the scores of each of the N queries, where these are not all of them."""

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
    """Both directions of a split: captions that look for videos, and videos that look for captions.

    With GRADED, where there are grades, or queries with a name and several videos.
    """
    owners = data.collection.caption_video
    videos = [name_of(video.video_id) for video in data.videos]
    counts = np.bincount(owners, minlength=len(videos))
    starts = np.cumsum(counts) - counts
    # The captions of a video stand together, in the order of the manifest.
    captions = [f"{videos[owner]}#{place - starts[owner]}" for place, owner in enumerate(owners.tolist())]
    bearers: dict[str, set[int]] = {}
    for text, owner in zip(data.captions, owners.tolist(), strict=True):
        bearers.setdefault(text, set()).add(owner)
    same = {text: dict.fromkeys(sorted(found), 1) for text, found in bearers.items()}
    to_videos = {T2V: [{owner: 1} for owner in owners.tolist()], SAME_CAPTION: [same[text] for text in data.captions]}
    asking = np.flatnonzero(counts).tolist()  # a video without captions is only there to be found
    own = [dict.fromkeys(range(starts[video], starts[video] + counts[video]), 1) for video in asking]
    of_videos = Listing(V2T, [videos[video] for video in asking], captions, {V2T: own}, asking)
    found = {T2V: Listing(T2V, captions, videos, to_videos), V2T: of_videos}
    graded = _graded(data.asked, owners.tolist(), captions, videos)
    return found | ({GRADED: graded} if graded else {})


def _graded(asked: Sequence[Caption], owners: Sequence[int], names: Sequence[str], videos: list[str]) -> Listing | None:
    """The queries that captions are of; None where each is of one video, which answers it as well as any."""
    rows: dict[tuple[str, str], int] = {}
    grades: dict[tuple[str, str], dict[int, int]] = {}
    for row, (caption, owner) in enumerate(zip(asked, owners, strict=True)):
        query = (caption.id, "") if caption.id else ("", caption.text)
        rows.setdefault(query, row)
        of_query = grades.setdefault(query, {})
        of_query[owner] = max(caption.grade, of_query.get(owner, 0))
    if not any(max(one.values()) > 1 or (name and len(one) > 1) for (name, _), one in grades.items()):
        return None
    queries = [name_of(name) if name else names[rows[name, text]] for name, text in rows]
    judged = [dict(sorted(one.items())) for one in grades.values()]
    return Listing(GRADED, queries, videos, {GRADED: judged}, list(rows.values()))


def write(
    folder: Path, data: Split, scores: Iterable[tuple[int, NDArray[np.float32]]], depth: int = DEPTH
) -> list[Path]:
    """Writes qrels, a run of each seed and direction, the captions and measures.json; returns the paths.

    `scores`: seed and (C, V) similarities, for each of S seeds; a matrix is let go before the next one is taken.
    """
    both = listings(data)
    paths = [_write_qrels(folder / f"{name}.qrels", of, name) for of in both.values() for name in of.qrels]
    paths.append(folder / CAPTIONS)
    atomic.write_text(paths[-1], "".join(_texts(both, data.captions)))
    found: dict[str, list[Mapping[str, float]]] = {}
    for seed, matrix in scores:
        for listing in both.values():
            of = matrix.T if listing.name == V2T else matrix
            of = of if listing.rows is None else of[listing.rows]
            paths.append(folder / f"{listing.name}.seed_{seed}.run")
            for name, values in _write_run(paths[-1], listing, of, depth).items():
                found.setdefault(name, []).append(values)
    body = {"depth": depth, "measures": {name: over_seeds(values) for name, values in found.items()}}
    atomic.write_text(folder / FILE, json.dumps(body, indent=1))
    return [*paths, folder / FILE]


def _texts(listed: Mapping[str, Listing], captions: Sequence[str]) -> Iterator[str]:
    """A line for each name of a query: what it says."""
    lines = list(zip(listed[T2V].queries, captions, strict=True))
    if graded := listed.get(GRADED):
        known = {name for name, _ in lines}
        rows = zip(graded.queries, graded.rows or (), strict=True)
        lines += [(name, captions[row]) for name, row in rows if name not in known]
    return (f"{name}\t{' '.join(text.split())}\n" for name, text in lines)


def _write_qrels(path: Path, listing: Listing, name: str) -> Path:
    with atomic.replacing(path) as written, written.open("w", encoding="ascii") as file:
        for query, right in zip(listing.queries, listing.qrels[name], strict=True):
            file.writelines(f"{query} 0 {listing.documents[place]} {grade}\n" for place, grade in right.items())
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


def _judged(listing: Listing, queries: Sequence[str], right: Sequence[Mapping[int, int]]) -> dict[str, dict[str, int]]:
    return {
        query: {listing.documents[place]: grade for place, grade in of_query.items()}
        for query, of_query in zip(queries, right, strict=True)
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
