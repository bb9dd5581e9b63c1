from unittest.mock import Mock

import numpy as np

from search import Options
from search.engines.frames import FoundFrames
from search.engines.fusion import Ranking
from search.engines.labels import Seen
from search.results import Found
from search.sought import Sought


def test_the_best_second_is_that_of_the_engine_that_ranks_the_video_best(tiny, monkeypatch):
    embedded = tiny.experts.query("anything")
    monkeypatch.setattr(type(tiny.experts), "best_second", lambda *_: 1.0)
    frames = Mock(best_second=lambda query, row: 2.0)
    seen = FoundFrames(Ranking({0: 1.0}), ((frames, np.zeros(3, np.float32)),), {0: 0})
    sought = Sought("anything", Options(), embedded=embedded, frames=seen)
    zebra = (Seen("zebra", "rgb", 0.9, 3.0),)
    for found, second in (
        ({"frames": Found(1, 0.5), "ce": Found(2, 0.5)}, 2.0),
        ({"frames": Found(2, 0.5), "ce": Found(1, 0.5)}, 1.0),
        ({"frames": Found(3, 0.5)}, 2.0),
        ({"frames": Found(2, 0.5), "labels": Found(1, 0.5)}, 3.0),
    ):
        assert tiny.describer.best_second(0, (), zebra, found, sought) == second
