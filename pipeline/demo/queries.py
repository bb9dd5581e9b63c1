"""Queries to try on the demo: none of their words is in any caption, and yet what they ask for is there."""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.demo.ground_truth import Facts


@dataclass(frozen=True)
class Query:
    """A query, and the videos that answer it."""

    text: str
    why: str
    """What it shows, as a clause."""
    is_answer: Callable[[Facts], bool]
    """Whether a video with these facts is a right one."""


QUERIES = (
    Query("a kitten", "a synonym: the captions say cat", lambda facts: facts.thing == "cat"),
    Query("a vehicle", "a kind of thing: the captions name one", lambda facts: facts.thing == "motorcycle"),
    Query("a coat", "a word that is only spoken", lambda facts: "coat" in (facts.subtitle or "")),
)
