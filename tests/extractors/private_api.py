"""Asserts that what the extractors use of a library beyond its public API is still there."""

import importlib


def assert_there(owner, name, used):
    """Fail with a plain message if a module (or object) has lost the attribute; `used`: by what, and for what."""
    holder = importlib.import_module(owner) if isinstance(owner, str) else owner
    label = owner if isinstance(owner, str) else f"{type(owner).__module__}.{type(owner).__qualname__}"
    assert hasattr(holder, name), f"{label}.{name} is gone: {used}"
