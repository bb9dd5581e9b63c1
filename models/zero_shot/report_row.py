"""The rows of a report that need no training, and what they say of the trained model.

C captions, V videos.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from models.evaluation.bootstrap import compare
from models.evaluation.metrics import Ranks, caption_ranks, video_ranks
from models.evaluation.report_columns import T2V, V2T, metrics_with_intervals
from models.inputs.load import Split
from models.zero_shot.engines import Engine


def untrained(data: Split, engine: Engine, trained: Sequence[Ranks]) -> dict[str, Any]:
    """Metrics of the split by an engine as plain JSON, with `gain`: by how much the trained model finds more.

    `trained`: ranks of the captions by the trained model, for each seed.
    """
    owners, num_videos = data.collection.caption_video, data.collection.num_videos
    ranks = caption_ranks(engine.scores, owners)
    gain = compare([ranks], trained, owners, num_videos)
    return {
        "label": engine.label,
        "experts": list(engine.experts),
        "text": engine.text,
        "note": engine.note,
        T2V: metrics_with_intervals([ranks], owners, num_videos),
        V2T: metrics_with_intervals([video_ranks(engine.scores, owners)], np.arange(num_videos), num_videos),
        "gain": {metric: asdict(difference) for metric, difference in gain.items()},
    }
