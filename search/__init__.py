"""Searches the videos of a dataset by text or by example, with or without a trained model."""

from search.collection import Collection
from search.filters import Filter, Options
from search.results import Answer, Hit

__all__ = ["Answer", "Collection", "Filter", "Hit", "Options"]
