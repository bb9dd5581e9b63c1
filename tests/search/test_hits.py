from itertools import product
from unittest.mock import Mock

import numpy as np

from search import Options
from search.engines.frames import FoundFrames
from search.engines.fulltext import MOST_OF_A_WORD
from search.engines.fusion import Ranking
from search.engines.labels import Seen
from search.results import Found
from search.sought import Sought
from tests.search import small_collection
from tests.search.small_collection import Clip


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


def test_a_hit_tells_the_first_places_of_a_word_and_plays_from_where_most_words_are(tmp_path):
    spellings = ["".join(letters) for letters in product(*("aA", "bB", "cC", "dD", "eE", "fF", "gG"))]
    said = {word: 2.0 * at for at, word in enumerate(spellings)} | {"river": 200.5}
    small_collection.make(tmp_path, [Clip("long.mp4", speech=said, duration_s=300.0)], has_model=False)
    (hit,) = small_collection.opened(tmp_path).search("abcdefg river").hits
    assert [word.start_s for word in hit.words] == [2.0 * at for at in range(MOST_OF_A_WORD)] + [200.5]
    assert hit.best_s == 196.0  # three spellings of the one, and the other
    assert len(spellings) > MOST_OF_A_WORD
