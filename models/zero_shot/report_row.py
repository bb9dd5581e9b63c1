"""The rows of a report that need no training, and what they say of the trained model."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from models.evaluation.bootstrap import compare
from models.evaluation.metrics import MONITOR, Ranks, caption_ranks, summary, video_ranks
from models.evaluation.report_columns import T2V, V2T, metrics_with_intervals
from models.inputs.load import Sources, Split, collect
from models.zero_shot.engines import Engine, engines, started
from models.zero_shot.stored import LabelSources


def untrained_rows(
    sources: Sources,
    data: Split,
    labels: LabelSources | None,
    trained: Sequence[Ranks],
    train_splits: Sequence[str] = ("train",),
    validated: float | None = None,
) -> dict[str, dict[str, Any]]:
    """Name of each untrained engine -> its row, with `validation`: what it and the trained model reach there.

    `trained`, `train_splits`: see `untrained` and `started`. `validated`: mean over the seeds of MONITOR, by which the
    kept epoch was chosen on the validation split; None where it was chosen otherwise, and nothing is compared there.
    """
    start = started(sources, labels, train_splits)
    rows = {one.name: untrained(data, one, trained) for one in engines(sources, data, labels, start)}
    if rows and validated is not None:
        split = collect(sources, "val")
        for engine in engines(sources, split, labels, start):
            found = summary(caption_ranks(engine.scores, split.collection.caption_video))[MONITOR]
            rows[engine.name]["validation"] = {"metric": MONITOR, "untrained": found, "trained": validated}
    return rows


def untrained(data: Split, engine: Engine, trained: Sequence[Ranks]) -> dict[str, Any]:
    """Metrics of the split by an engine as plain JSON, with `gain`: by how much the trained model finds more.

    `trained`: ranks of the captions by the trained model, for each seed; none where nothing was trained, and then there
    is no `gain`.
    """
    owners, num_videos = data.collection.caption_video, data.collection.num_videos
    ranks = caption_ranks(engine.scores, owners)
    gain = compare([ranks], trained, owners, num_videos) if trained else {}
    return {
        "label": engine.label,
        "experts": list(engine.experts),
        "text": engine.text,
        "note": engine.note,
        T2V: metrics_with_intervals([ranks], owners, num_videos),
        V2T: metrics_with_intervals([video_ranks(engine.scores, owners)], np.arange(num_videos), num_videos),
        **({"gain": {metric: asdict(difference) for metric, difference in gain.items()}} if trained else {}),
    }
