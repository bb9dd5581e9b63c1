"""Answers an example with the videos of a collection that are most like it, and tells by which experts."""

from dataclasses import replace

from search import filters
from search.collection import Collection
from search.engines.example_experts import Example
from search.filters import Options
from search.results import EXAMPLE, Answer
from search.sought import Sought


def find(collection: Collection, example: Example, options: Options) -> Answer:
    """The videos most like the example, best first; none, and the reason, when nothing is."""
    filters.check_without_text(options, collection.facts)
    allowed = filters.allowed(options.only, collection.videos, collection.facts, collection.labels)
    found = collection.examples.find(example, allowed, options.weights)
    answered = f"Answered by {', '.join(found.parts)}." if found.parts else ""
    notes = tuple(filter(None, (answered, *example.notes)))
    sought = Sought("", options, example=found)
    answer = collection.answer(example.name, sought, {EXAMPLE: found.ranking}, allowed, notes)
    if answer.num_ranked or not allowed.any():
        return answer
    unlike = "Nothing in this collection is like the example."
    silent = "No expert that takes part saw anything in the example; set the weight of one above 0."
    return replace(answer, reason=unlike if found.parts else silent)
