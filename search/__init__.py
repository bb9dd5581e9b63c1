"""Searches the videos of a dataset by text or by example, with or without a trained model."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.collection import Collection
    from search.filters import Filter, Options
    from search.results import Answer, Hit

__all__ = ["Answer", "Collection", "Filter", "Hit", "Options"]

_MODULES = {
    "Collection": "collection",
    "Filter": "filters",
    "Options": "filters",
    "Answer": "results",
    "Hit": "results",
}


def __getattr__(name: str) -> Any:
    """A name of `__all__`, imported when it is first asked for: `python -m search` must be stoppable at once."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"search.{_MODULES[name]}"), name)
