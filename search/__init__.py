"""Queries over a trained or untrained collection."""

from search.collection import Collection, Filter, Options
from search.results import Answer, Hit

__all__ = ["Answer", "Collection", "Filter", "Hit", "Options"]
