"""Encodes captions to token vectors, and writes them to a store: one row per caption, keyed by its text."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extractors.registry import NamedText
from pipeline.datasets.annotations import Caption
from pipeline.errors import ExtractionError
from pipeline.stores import parts
from pipeline.stores.parts import Features
from pipeline.stores.store import Row

CAPTIONS_PER_PART = 8192

SECONDS_PER_PART = 60.0
"""Captions that are encoded wait no longer than this to be published."""


def encode(
    named: NamedText,
    texts: Sequence[str],
    folder: Path,
    device: str,
    progress: Callable[[int, int], None] = lambda done, of: None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Writes the token vectors of `texts` to the store at `folder`, part by part.

    Parts end with a batch, so that a later run forms the same batches. `progress` is called with the numbers of
    captions done and in total. Once `stop` answers true, what is encoded is published, and no more is begun.
    ExtractionError if the encoder returns vectors of a wrong shape, or values that are not finite.
    """
    if texts:
        named.encoder.load(device)
    size = named.config.runtime.batch_size_on(device)
    first, done, tokens, published_s = 0, 0, list[NDArray[np.float32]](), time.monotonic()
    while done < len(texts) and not stop():
        end = min(done + size, first + CAPTIONS_PER_PART, len(texts))
        tokens += named.encoder.encode(texts[done:end])
        done = end
        progress(done, len(texts))
        is_late = time.monotonic() - published_s >= SECONDS_PER_PART
        if done == first + CAPTIONS_PER_PART or done == len(texts) or is_late or stop():
            _publish(named, texts[first:done], tokens, folder)
            first, tokens, published_s = done, [], time.monotonic()


def _publish(named: NamedText, texts: Sequence[str], tokens: list[NDArray[np.float32]], folder: Path) -> None:
    dim = named.encoder.dim
    if any(item.shape[1:] != (dim,) or not np.isfinite(item).all() for item in tokens):
        raise ExtractionError(f"text encoder {named.name}: vectors of another shape than it says, or not finite")
    rows = [Row(Caption(text).key, len(item)) for text, item in zip(texts, tokens, strict=True)]
    parts.publish(folder, rows, [Features(item, np.zeros((len(item), 2))) for item in tokens], dim)
