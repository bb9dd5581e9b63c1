"""Scores of experts that are aligned with text, without training: by the vectors of their own text towers.

A caption is compared with a video by the cosine of the caption, as the expert's text tower embeds it, and either the
mean of the video's rows (which is what published zero-shot figures do) or its best row. A classifier is aligned too, by
label words: its vector of a video holds the mean of probability ** power of each class, and that of a caption the
weights of the classes. C captions, V videos, N rows, D feature, L classes, Q queries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from models.architecture import Architecture
from models.inputs.aligned import Aligned, Calibration, Floats
from models.inputs.load import Sources, Split, collect
from models.inputs.rows import sums
from models.zero_shot.label_words import LabelVectors, TopLabels, label_weights, split, unit_rows
from models.zero_shot.settings import LabelWords
from models.zero_shot.stored import LabelSources, text_vectors, top_labels
from pipeline.datasets.manifest import Manifest
from pipeline.stores.parts import Reader
from pipeline.stores.ragged import Ragged

Pool = Literal["mean", "best"]
UNSEEN = -1.0
"""Score of a video of which an expert saw nothing: the lowest possible cosine."""
BLOCK_ENTRIES = 1 << 24
"""Cosines of single rows that are held at once."""


def cosines(queries: Floats, rows: Ragged, pool: Pool) -> Floats:
    """(Q, V), the cosine of each query (Q, D), of length 1, and the mean or the best of a video's rows, or UNSEEN."""
    found = np.full((len(queries), len(rows)), UNSEEN, np.float32)
    present = rows.counts > 0
    if not present.any():
        return found
    if pool == "mean":
        found[:, present] = queries @ mean_vectors(rows)[present].T
        return found
    units, starts = unit_rows(rows.values), rows.offsets[:-1][present]
    size = max(1, BLOCK_ENTRIES // len(units))
    for start in range(0, len(queries), size):
        block = slice(start, start + size)
        found[block, present] = np.maximum.reduceat(queries[block] @ units.T, starts, axis=1)
    return found


def mean_vectors(rows: Ragged) -> Floats:
    """(V, D), the mean of each video's rows, scaled to length 1; zeros without any."""
    units = np.zeros((len(rows), rows.dim), np.float32)
    for start, counts, found in sums(rows):
        units[start : start + len(counts)] = unit_rows(found)
    return units


def label_rows(top: TopLabels, num_classes: int, settings: LabelWords) -> Floats:
    """(V, L), the mean over a video's frames of probability ** power of each class; zeros for a video without any."""
    pooled, counts = np.zeros((len(top.offsets) - 1, num_classes), np.float32), np.diff(top.offsets)
    owners = np.repeat(np.arange(len(counts)), counts)
    powered = top.probabilities[:, : settings.labels] ** np.float32(settings.power)
    np.add.at(pooled, (owners[:, None], top.classes[:, : settings.labels]), powered)
    return np.asarray(pooled / np.maximum(counts, 1)[:, None], np.float32)


def aligned(sources: Sources, data: Split, labels: LabelSources | None) -> dict[str, Aligned]:
    """For each expert of the sources that is aligned with text the vectors of a split, sorted by name.

    `labels`: of the classifiers among them; None without label words. StoreError where a caption was not encoded.
    """
    texts, found = aligned_texts(sources, data.captions, labels), dict[str, Aligned]()
    for expert, of_captions in texts.items():
        if expert in sources.towers:
            rows = data.collection.features[expert]
            found[expert] = Aligned(mean_vectors(rows), of_captions, rows.counts > 0)
        elif labels:
            keys = [sources.key(expert, video) for video in data.videos]
            top = top_labels(Reader(sources.stores[expert]), keys, labels.classifiers[expert].keep)
            videos = label_rows(top, of_captions.shape[1], labels.settings)
            found[expert] = Aligned(videos, of_captions, np.diff(top.offsets) > 0, labels.settings.temperature)
    return found


def aligned_texts(sources: Sources, captions: Sequence[str], labels: LabelSources | None) -> dict[str, Floats]:
    """(C, D) of each such expert: what its text tower says of some captions, or their weights of its classes."""
    found = {name: text_vectors(tower.store, captions, tower.dim) for name, tower in sources.towers.items()}
    if labels:
        names = [name for name in labels.classifiers if name not in found]
        vectors = {name: labels.labels(name) for name in labels.classifiers}
        joined = LabelVectors.join(list(vectors.values()))
        weights = label_weights(labels.vectors(captions), joined, labels.settings.temperature)
        by_name = dict(zip(vectors, split(weights, list(vectors.values())), strict=True))
        found |= {name: by_name[name] for name in names}
    return dict(sorted(found.items()))


def collected(
    sources: Sources, settings: Architecture, labels: LabelSources | None, *splits: str, to_report: bool = False
) -> Split:
    """The splits as `collect` reads them, with the frozen vectors where the network starts from them."""
    data = collect(sources, *splits, to_report=to_report)
    if not settings.is_aligned:
        return data
    return replace(data, collection=replace(data.collection, aligned=aligned(sources, data, labels)))


def calibration_splits(manifest: Manifest, wanted: Sequence[str]) -> tuple[str, ...]:
    """The splits by which frozen scores are calibrated: the `wanted` ones, or the first that has captions."""
    if any(manifest.split(split) for split in wanted):
        return tuple(wanted)
    return next(((split,) for split in ("train", "val", "test") if manifest.split(split)), tuple(wanted))


def fused(
    pairs: Mapping[str, Aligned], calibrations: Mapping[str, Calibration], weights: Mapping[str, float] | None = None
) -> Floats:
    """(C, V), the mean of the calibrated scores of the experts that a video has: the untrained fusion.

    `weights`: of each expert in the mean; None: even ones. 0, as of a wrong pair, for a video that none of them saw.
    """
    first = next(iter(pairs.values()))
    total, seen = np.zeros((len(first.texts), len(first.videos)), np.float32), np.zeros(len(first.videos), np.float32)
    for expert, pair in pairs.items():
        weight = np.float32(1 if weights is None else weights[expert])
        total += weight * np.nan_to_num(pair.scores(calibrations[expert]))
        seen += weight * pair.present
    return np.asarray(total / np.where(seen > 0, seen, np.float32(1)), np.float32)
