"""Measures when the search says that something happens, on moments of the demo whose times are known.

`python benchmarks/demo_moments.py`, after `luigi --module tasks BuildIndex --dataset demo`. A query is asked of the
whole collection, and looked at in each video that it is about. Known are the half of a video in which its face is
shown, and the time of its subtitle; all else lasts as long as the video. What is predicted: the moments that the
search tells, those around its best second first, then by the rank of their engine, and by score. Moments of one
engine, expert and text that are less than GAP_S apart are one window; words are one text, since those of a query are
said together. A video that the search does not show for the query counts as a miss in the first line, and not at all
in the second.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from models.evaluation.moments import Predicted, Window, measures
from pipeline.datasets.annotations import load_dataset
from pipeline.demo.encode import SUBTITLE_PAUSE_S
from pipeline.demo.ground_truth import Facts
from pipeline.demo.make import all_facts
from search import Collection
from search.engines.peaks import Moment
from search.filters import Options
from search.results import WORDS, Hit

GAP_S = 1.0
FACE = "a smiling woman's face"


def known(facts: Sequence[Facts]) -> dict[str, list[tuple[str, str, Window]]]:
    """Kind of query -> (query, video, true window)."""
    pause = float(SUBTITLE_PAUSE_S)
    halves = {"first half": (0.0, 0.5), "second half": (0.5, 1.0)}
    faces, sentences = [], []
    for one in facts:
        name = f"{one.name}.mp4"
        if one.face and one.face_time in halves:
            start, end = (share * one.duration_s for share in halves[one.face_time])
            faces.append((FACE, name, (start, end)))
        if one.subtitle:
            sentences.append((one.subtitle, name, (pause, one.duration_s - pause)))
    return {"a face in one half": faces, "a sentence that is said": sentences}


def windows(hit: Hit | None) -> Iterator[Predicted]:
    """What the search says when, best first."""
    if hit is None:
        return
    joined: list[Moment] = []
    for one in sorted(hit.moments, key=lambda one: (one.engine, one.expert, _text(one), one.start_s)):
        last = joined[-1] if joined else None
        alike = last and (last.engine, last.expert, _text(last)) == (one.engine, one.expert, _text(one))
        if last and alike and one.start_s - last.end_s < GAP_S:
            scores = [score for score in (last.score, one.score) if score is not None]
            end_s, best = max(last.end_s, one.end_s), max(scores, default=None)
            joined[-1] = Moment(last.engine, last.expert, last.start_s, end_s, best, last.text)
        else:
            joined.append(one)

    def worth(one: Moment) -> tuple[bool, int, float]:
        found = hit.found_by.get(one.engine)
        return not one.start_s <= hit.best_s <= one.end_s, found.rank if found else len(joined), -(one.score or 0.0)

    for place, one in enumerate(sorted(joined, key=worth)):
        yield Predicted(one.start_s, one.end_s, -place)


def _text(one: Moment) -> str:
    return "" if one.engine == WORDS else one.text


def main() -> int:
    settings = load_dataset("demo", Path("configs/datasets")).demo
    collection = Collection.open("demo")
    assert settings is not None
    facts = all_facts(settings)
    for kind, queries in known(facts).items():
        answers = {
            query: {hit.video_id: hit for hit in collection.search(query, options=Options(len(facts))).hits}
            for query in {query for query, *_ in queries}
        }
        hits = [answers[query].get(video) for query, video, _ in queries]
        truth = [[window] for *_, window in queries]
        asked = [(list(windows(hit)), window) for hit, window in zip(hits, truth, strict=True)]
        shown = [query for query, hit in zip(asked, hits, strict=True) if hit]
        lengths = {f"{one.name}.mp4": one.duration_s for one in facts}
        whole = [([Predicted(0.0, lengths[video], 0.0)], [window]) for _, video, window in queries]
        inside = sum(
            hit is not None and window[0] <= hit.best_s <= window[1]
            for hit, (*_, window) in zip(hits, queries, strict=True)
        )
        print(f"{kind}: {len(queries)} queries, {len(shown)} videos shown, best second inside in {inside}")
        for name, found in (("search", asked), ("those shown", shown), ("the whole video", whole)):
            print(f"  {name:16}", "  ".join(f"{key} {value:.1f}" for key, value in measures(found).items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
