"""The table that a query ends with."""

from typing import TYPE_CHECKING

from tasks.console.terminal import say, table

if TYPE_CHECKING:
    from search import Answer, Hit

ENGINES = {"ce": "experts", "words": "words", "frames": "frames"}


def print_answer(answer: "Answer") -> None:
    """The hits of a query, with what each expert adds to their similarity; or why there are none."""
    for note in answer.notes:
        say(f"Note: {note}")
    if not answer.hits:
        say(f"Nothing found for {answer.query!r}. {answer.reason}")
        return
    experts = [name.removesuffix("_light") for name in answer.hits[0].shares]
    columns = ["", "video", "found by (place)", "words read or heard", "best at", "similarity", *experts]
    rows = [[str(place), *_row(hit)] for place, hit in enumerate(answer.hits, 1)]
    shares = ": what each expert adds to the similarity, - where the video lacks it" if experts else ""
    table(f"{len(rows)} best for {answer.query!r}{shares}", columns, rows, 4)


def _row(hit: "Hit") -> list[str]:
    return [
        _printable(hit.video_id),
        ", ".join(f"{ENGINES[engine]} {found.rank}" for engine, found in hit.found_by.items()),
        _printable(" ".join(dict.fromkeys(word.text for word in hit.words))),
        f"{hit.best_s:.1f} s",
        f"{hit.similarity:.2f}" if hit.similarity is not None else "",
        *("-" if share is None else f"{share:.2f}" for share in hit.shares.values()),
    ]


def _printable(text: str) -> str:
    """Without what moves the cursor or colours the terminal: files are called anything, and subtitles hold anything."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
