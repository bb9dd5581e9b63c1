"""Answers an example with the videos of a collection that are most like it, and tells by which experts."""

from search import filters
from search.collection import Collection
from search.engines.example_experts import Example
from search.engines.examples import FoundExample
from search.filters import Options
from search.index.videos import Entry
from search.results import EXAMPLE, Answer, Found, Hit


def find(collection: Collection, example: Example, options: Options) -> Answer:
    """The videos most like the example, best first; none, and the reason, when nothing is."""
    filters.check(options, collection.facts)
    allowed = filters.allowed(options.only, collection.videos, collection.facts, collection.labels)
    found = collection.examples.find(example, allowed, options.weights)
    rows = list(found.ranking.scores)[options.offset : options.offset + options.k]
    ranks = found.ranking.ranks
    hits = tuple(
        _hit(collection, found, entry, row, ranks[row])
        for entry, row in zip(collection.videos.some(rows), rows, strict=True)
    )
    answered = f"Answered by {', '.join(found.parts)}." if found.parts else ""
    notes = tuple(filter(None, (answered, *example.notes)))
    num_ranked = len(found.ranking.scores)
    return Answer(
        example.name,
        hits,
        "" if num_ranked else _why_nothing(found, bool(allowed.any())),
        notes,
        offset=options.offset,
        num_found=found.num_found,
        num_ranked=num_ranked,
    )


def _hit(collection: Collection, found: FoundExample, entry: Entry, row: int, rank: int) -> Hit:
    score = found.ranking.scores[row]
    return Hit(
        key=entry.key,
        video_id=entry.video_id,
        path=collection.path(entry),
        playable=entry.playable,
        duration_s=entry.duration_s,
        score=score,
        best_s=found.best_second(row),
        found_by={EXAMPLE: Found(rank, score)},
        shares=found.shares(row),
        words=(),
        captions=entry.captions,
        moments=found.moments(row, entry.duration_s, EXAMPLE),
    )


def _why_nothing(found: FoundExample, any_allowed: bool) -> str:
    if not any_allowed:
        return "No video passes the filters."
    if not found.parts:
        return "No expert that takes part saw anything in the example; set the weight of one above 0."
    return "Nothing in this collection is like the example."
