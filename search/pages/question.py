"""What a request may ask for beside its text: the page of hits, weights, filters."""

import math
from typing import Annotated, Literal

from fastapi import Depends, HTTPException, Query

from search.engines.fusion import CANDIDATES
from search.filters import Filter, Options

LONGEST_QUERY, HIGHEST_WEIGHT = 1000, 10.0


def _page(
    k: Annotated[int, Query(ge=1, le=100, description="Hits at most")] = 10,
    offset: Annotated[int, Query(ge=0, le=CANDIDATES, description="Hits, the best ones, that are passed over")] = 0,
) -> tuple[int, int]:
    return k, offset


def _filter(
    has: Annotated[list[str] | None, Query(description="A modality that must be there: speech, ocr, face ...")] = None,
    shortest_s: Annotated[float, Query(ge=0, description="Only videos as long as this")] = 0.0,
    longest_s: Annotated[float | None, Query(ge=0, description="Only videos no longer than this")] = None,
    seen: Annotated[
        list[Annotated[str, Query(max_length=LONGEST_QUERY)]] | None,
        Query(description="A label that must be seen or heard: zebra, brown bear ..."),
    ] = None,
) -> Filter:
    longest_s = float("inf") if longest_s is None else longest_s
    return Filter(frozenset(has or ()), shortest_s, longest_s, labels=frozenset(seen or ()))


def _options(
    page: Annotated[tuple[int, int], Depends(_page)],
    only: Annotated[Filter, Depends(_filter)],
    weight: Annotated[list[str] | None, Query(description="EXPERT:FACTOR, e.g. ocr_light:0; by default 1")] = None,
    second_stage: Annotated[
        Literal["none", "late_interaction"] | None,
        Query(description="How the best of a text are put in order; by default as search.yaml says"),
    ] = None,
) -> Options:
    k, offset = page
    return Options(k, offset, _weights(weight or []), only, second_stage or "")


def _weights(pairs: list[str]) -> dict[str, float]:
    """Expert -> weight, of EXPERT:FACTOR; clamped to 0..HIGHEST_WEIGHT. Raises HTTPException 422 for other strings."""
    weights = {}
    for pair in pairs:
        name, _, factor = pair.rpartition(":")
        try:
            weights[name] = min(max(float(factor), 0.0), HIGHEST_WEIGHT)
        except ValueError:
            weights[name] = math.nan
        if math.isnan(weights[name]):
            raise HTTPException(422, f"weight={pair}: expected EXPERT:FACTOR, e.g. ocr_light:0.5")
    return weights


QueryOptions = Annotated[Options, Depends(_options)]
"""The options of a request, for the function that answers it; 422 where they make no sense."""
