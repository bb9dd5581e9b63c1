"""Grades of relevance: how well a video answers a query, as judges or captions files say it."""

import re

from pipeline.errors import AnnotationError

HIGHEST = 1000
"""Judges use a handful of grades; a number that is larger is another column."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,9}(\.0*)?")


def grade_of(text: str, where: str) -> int:
    """The grade, 0 for what is below, which is no answer either; AnnotationError for no whole number up to HIGHEST."""
    if not _WHOLE.fullmatch(text) or float(text) > HIGHEST:
        raise AnnotationError(f"{where}: a grade is a whole number from 0 to {HIGHEST}, found {text[:40]!a}")
    return max(0, int(float(text)))
