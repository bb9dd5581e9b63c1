"""Prints the results of a query as a table."""

from typing import TYPE_CHECKING

from tasks.console.terminal import print_json, print_table, printable, say, tell

if TYPE_CHECKING:
    from search import Answer, Hit

ENGINE_LABELS = {
    "ce": "experts",
    "words": "words",
    "labels": "labels",
    "label_words": "like labels",
    "frames": "frames",
    "late_interaction": "tokens",
}
"""Search engine -> how the column "found by" calls it."""

MOST_SEEN = 2
"""Labels of a video that are printed."""


def print_answer(answer: "Answer") -> None:
    """Prints the hits of a query with each expert's share of their similarity, or the reason why there are none."""
    for note in answer.notes:
        say(f"Note: {note}")
    if not answer.hits:
        tell(f"Nothing found for {answer.query!r}. {answer.reason}")
        return
    experts = [name.removesuffix("_light") for name in answer.hits[0].shares]
    has_seen = any(hit.seen for hit in answer.hits)
    texts = ["words read or heard", *(["seen"] if has_seen else [])]
    columns = ["", "video", "found by (place)", *texts, "best at", "similarity", *experts]
    rows = [[str(rank), *_cells(hit, has_seen)] for rank, hit in enumerate(answer.hits, 1)]
    shares = ": what each expert adds to the similarity, - where the video lacks it" if experts else ""
    if len(answer.engine_weights) > 1:
        say(_weights(answer))
    print_table(f"{len(rows)} best for {answer.query!r}{shares}", columns, rows, 3 + len(texts))


def print_answer_as_json(dataset: str, answer: "Answer") -> None:
    """Prints the answer as a document: as the search page gets it, with dataset, ranks and paths."""
    plain = answer.to_json()
    for rank, (hit, found) in enumerate(zip(plain["hits"], answer.hits, strict=True), 1):
        hit |= {"rank": rank, "similarity": found.similarity, "path": str(found.path)}
    print_json({"dataset": dataset} | plain)


def _weights(answer: "Answer") -> str:
    """How much each engine counts, in percent, the heaviest first."""
    total = sum(answer.engine_weights.values()) or 1.0
    heaviest = sorted(answer.engine_weights.items(), key=lambda one: -one[1])
    told = ", ".join(f"{ENGINE_LABELS.get(name, name)} {100 * weight / total:.0f} %" for name, weight in heaviest)
    return f"Weighed{' for this query' if answer.is_by_query else ''}: {told}"


def _cells(hit: "Hit", has_seen: bool) -> list[str]:
    seen = ", ".join(f"{one.short} {one.score:.2f} at {_clock(one.start_s)}" for one in hit.seen[:MOST_SEEN])
    return [
        printable(hit.video_id),
        ", ".join(f"{ENGINE_LABELS[engine]} {found.rank}" for engine, found in hit.found_by.items()),
        printable(" ".join(dict.fromkeys(word.text for word in hit.words))),
        *([printable(seen)] if has_seen else []),
        f"{hit.best_s:.1f} s",
        f"{hit.similarity:.2f}" if hit.similarity is not None else "",
        *("-" if share is None else f"{share:.2f}" for share in hit.shares.values()),
    ]


def _clock(second: float) -> str:
    """Minutes and seconds, rounded down: 0:02."""
    return f"{int(second) // 60}:{int(second) % 60:02}"
