"""Where each test caption finds its video through the search, among the videos of the test split."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.stamps.dataset import NAME
from models.evaluation.metrics import Ranks
from models.evaluation.report_columns import metrics_with_intervals
from search import Collection, Filter, Options

SPLIT = "test"


def searched(work: Path) -> dict[str, Any]:
    """Metrics of the current index of the dataset, with intervals."""
    collection = Collection.open(NAME, work / "data", work / "configs")
    videos = [entry for entry in collection.videos if entry.split == SPLIT]
    queries = [(caption, owner) for owner, entry in enumerate(videos) for caption in entry.captions]
    answers = []
    for caption, owner in queries:
        hits = collection.search(caption, options=Options(len(videos), only=Filter(split=SPLIT)))
        answers.append(([hit.video_id for hit in hits], videos[owner].video_id))
    owners = np.array([owner for _, owner in queries])
    return metrics_with_intervals([ranks(answers, len(videos))], owners, len(videos))


def ranks(answers: Sequence[tuple[Sequence[str], str]], num_videos: int) -> Ranks:
    """Of each query: (videos that were found, best first, and the right one).

    Videos that the search does not return stand after all others in no order, the right one among them.
    """
    above, wrong = [], []
    for found, right in answers:
        there = right in found
        above.append(found.index(right) if there else len(found))
        wrong.append(0 if there else num_videos - len(found) - 1)
    return Ranks(np.array(above), np.array(wrong), np.ones(len(above), np.int64))
