"""The block `near_duplicates` of a dataset's YAML; a module of its own, since a run with nothing to do reads it."""

from dataclasses import dataclass

from pipeline import config

VERSION = 1
"""Raised by hand when other pairs are found with the same settings."""


@dataclass(frozen=True)
class NearDuplicates:
    """By what a report finds videos that look, or sound, almost the same."""

    __pydantic_config__ = config.STRICT
    expert: str
    """One of the model's experts; the mean of its rows stands for a video."""
    threshold: float = 0.95
    """Cosine from which two videos are near-duplicates. It is of the expert: some give all videos 0.8 and more."""

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise ValueError("near_duplicates: threshold must be above 0 and at most 1")
