import json
import sys
import types
from pathlib import Path

import pytest

from search.engines.labels import Seen
from search.results import Answer, Found, Hit


def hit(shares: dict[str, float | None]) -> Hit:
    found_by = {"ce": Found(1, 0.5), "words": Found(2, 3.0)}
    seen = (Seen("brown bear, bruin", "rgb", 0.984, 2.0), Seen("zebra", "rgb", 0.5, 61.25))
    return Hit("k", "a.mp4", Path("/videos/a.mp4"), True, 9.0, 0.25, 4.0, found_by, shares, (), (), seen)


def test_answers_are_plain_values(tiny):
    answer = tiny.search("pasta water", k=3)
    assert json.loads(json.dumps(answer.to_json()))["hits"][0]["video_id"] == answer.hits[0].video_id
    assert answer.rows()[0]["words"] == "Pasta water"


def test_answers_are_a_table_of_pandas_or_the_error_says_what_to_install(tiny, monkeypatch):
    table = types.SimpleNamespace(DataFrame=lambda rows: ("table", rows))
    answer = tiny.search("pasta water")
    monkeypatch.setitem(sys.modules, "pandas", table)
    assert answer.to_pandas() == ("table", answer.rows())
    monkeypatch.setitem(sys.modules, "pandas", None)  # as where it is not installed
    with pytest.raises(ModuleNotFoundError, match="pip install pandas"):
        answer.to_pandas()


def test_the_similarity_is_the_sum_of_the_shares_that_there_are():
    assert hit({"rgb": 0.25, "audio": None, "ocr": 0.5}).similarity == 0.75
    assert hit({"rgb": None}).similarity is None
    assert hit({}).similarity is None


def test_a_row_has_a_column_for_each_engine_and_each_expert():
    (row,) = Answer("a", (hit({"rgb": 0.25, "audio": None}),)).rows()
    assert row == {
        "rank": 1, "video": "a.mp4", "score": 0.25, "best_s": 4.0, "path": str(Path("/videos/a.mp4")), "words": "",
        "seen": "brown bear 0.98 at 2.0 s; zebra 0.50 at 61.2 s",
        "start_s": 0.0, "end_s": 0.0,
        "found_by_ce": 1, "found_by_words": 2, "share_rgb": 0.25, "share_audio": None,
    }  # fmt: skip


def test_no_path_is_in_the_json():
    assert "path" not in Answer("a", (hit({}),)).to_json()["hits"][0]


def test_an_answer_is_the_sequence_of_its_hits():
    answer = Answer("a", (hit({}), hit({"rgb": 1.0})))
    assert len(answer) == 2
    assert tuple(answer) == answer.hits
