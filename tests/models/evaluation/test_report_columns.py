import numpy as np

from models.evaluation.metrics import caption_ranks, summary
from models.evaluation.report_columns import COLUMNS, Scored, all_ranks, metrics_with_intervals, variants


def scored(**changed):
    chance = np.random.default_rng(0)
    facts = {
        "scores": chance.random((18, 6), np.float32),
        "caption_video": np.repeat(np.arange(6), 3),
        "captions": [f"caption {number}" for number in range(18)],
        "bank": chance.random((40, 6), np.float32),
        "selected": chance.random((18, 6), np.float32),
    }
    return Scored(**facts | changed)


def test_every_column_ranks_every_query():
    ranks = all_ranks(scored())
    assert list(ranks) == [column.name for column in COLUMNS]
    for column in COLUMNS:
        assert ranks[column.name].mean.shape == ((6,) if column.by_video else (18,))


def test_without_a_bank_there_is_no_column_of_it():
    assert "t2v_querybank" not in all_ranks(scored(bank=None))
    assert len(all_ranks(scored(bank=None))) == len(COLUMNS) - 1


def test_without_a_selector_there_is_no_column_of_it():
    assert "t2v_selector" not in all_ranks(scored(selected=None))
    assert len(all_ranks(scored(selected=None))) == len(COLUMNS) - 1


def test_the_raw_column_is_untouched_by_bank_and_captions():
    split = scored()
    other = scored(bank=None, captions=["the same"] * 18)
    raw = all_ranks(split)["t2v"].mean
    np.testing.assert_array_equal(raw, all_ranks(other)["t2v"].mean)
    np.testing.assert_array_equal(raw, caption_ranks(split.scores, split.caption_video).mean)


def test_what_ranks_are_worth_is_told_with_intervals_of_the_first_recalls():
    split = scored()
    ranks = [all_ranks(split)["t2v"], all_ranks(scored(scores=split.scores[::-1].copy()))["t2v"]]
    found = metrics_with_intervals(ranks, split.caption_video, 6)
    assert found["R@1"]["seeds"] == [summary(rank)["R@1"] for rank in ranks]
    assert {name for name, value in found.items() if "interval" in value} == {"R@1", "R@5", "R@10"}
    for name in ("R@1", "R@5", "R@10"):
        low, high = found[name]["interval"]
        assert low <= found[name]["mean"] <= high


def test_a_variant_says_what_it_is_and_how_many_queries_and_answers_there_are():
    split = scored()
    found = variants([all_ranks(split)], split.caption_video, 6)
    assert list(found) == ["t2v_querybank", "t2v_dual_softmax", "t2v_same_caption", "v2t_each_caption", "t2v_selector"]
    assert [row["gallery"] for row in found.values()] == [6, 6, 6, 18, 6]
    assert {row["queries"] for row in found.values()} == {18}
    assert "not comparable" in found["t2v_dual_softmax"]["note"]
