"""The row of a report that needs no training: captions against the labels that the model's classifiers recognised.

C captions, V videos.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from models.evaluation.bootstrap import compare
from models.evaluation.metrics import Ranks, caption_ranks, video_ranks
from models.evaluation.report_columns import T2V, V2T, metrics_with_intervals
from models.inputs.load import Sources, Split
from models.zero_shot import label_words
from models.zero_shot.label_words import Floats
from models.zero_shot.stored import LabelSources, top_labels
from pipeline.stores.parts import Reader

LABEL = "zero-shot by label words"


def untrained(sources: Sources, data: Split, labels: LabelSources, trained: Sequence[Ranks]) -> dict[str, Any]:
    """Metrics of the split as plain JSON, with `gain`: by how much the trained model finds more.

    `trained`: ranks of the captions by the trained model, for each seed.
    """
    owners, num_videos = data.collection.caption_video, data.collection.num_videos
    scores = caption_scores(sources, data, labels)
    ranks = caption_ranks(scores, owners)
    gain = compare([ranks], trained, owners, num_videos)
    return {
        "label": LABEL,
        "experts": list(labels.classifiers),
        "text": labels.settings.text,
        T2V: metrics_with_intervals([ranks], owners, num_videos),
        V2T: metrics_with_intervals([video_ranks(scores, owners)], np.arange(num_videos), num_videos),
        "gain": {metric: asdict(difference) for metric, difference in gain.items()},
    }


def caption_scores(sources: Sources, data: Split, labels: LabelSources) -> Floats:
    """(C, V) scores of every caption of a split for every video."""
    tops = []
    for expert, classes in labels.classifiers.items():
        keys = [sources.key(expert, video) for video in data.videos]
        tops.append(top_labels(Reader(sources.stores[expert]), keys, classes.keep))
    vectors = [labels.labels(expert) for expert in labels.classifiers]
    return label_words.scores(labels.vectors(data.captions), vectors, tops, labels.settings)
