"""Feature stores and results on disk: immutable parts, recipes, fingerprints, atomic writes."""

from typing import Any


def __getattr__(name: str) -> Any:
    """`open_features`, which people look for here."""
    if name != "open_features":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # By its name, and when it is asked for: it reads the project and its manifests, which stand above this room.
    from importlib import import_module

    return import_module("pipeline.features.opened").open_features
