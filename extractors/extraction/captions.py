"""Encodes captions to token vectors, and writes them to a store: one row per caption, keyed by its text."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from extractors.registry import NamedText
from pipeline.datasets.annotations import Caption
from pipeline.errors import ExtractionError
from pipeline.stores import parts
from pipeline.stores.parts import Features
from pipeline.stores.store import Row

CAPTIONS_PER_PART = 8192


def encode(
    named: NamedText,
    texts: Sequence[str],
    folder: Path,
    device: str,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> None:
    """Write the token vectors of `texts` to the store at `folder`, part by part.

    `progress` is called with the numbers of captions done and in total. ExtractionError if the encoder returns vectors
    of a wrong shape, or values that are not finite.
    """
    if texts:
        named.encoder.load(device)
    for first in range(0, len(texts), CAPTIONS_PER_PART):
        chunk = texts[first : first + CAPTIONS_PER_PART]
        tokens = []
        for at in range(0, len(chunk), named.config.runtime.batch_size):
            tokens += named.encoder.encode(chunk[at : at + named.config.runtime.batch_size])
            progress(first + len(tokens), len(texts))
        if any(item.shape[1:] != (named.encoder.dim,) or not np.isfinite(item).all() for item in tokens):
            raise ExtractionError(f"text encoder {named.name}: vectors of another shape than it says, or not finite")
        rows = [Row(Caption(text).key, len(item)) for text, item in zip(chunk, tokens, strict=True)]
        features = [Features(item, np.zeros((len(item), 2))) for item in tokens]
        parts.publish(folder, rows, features, named.encoder.dim)
