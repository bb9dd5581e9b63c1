import csv
import json

from models.training.history import NAME, Epoch, History


def test_the_best_epoch_is_the_last_of_those_with_the_highest_geometric_mean():
    assert _history(1.0, 5.0, 3.0, 5.0, 2.0).best.epoch == 4


def test_the_epoch_that_is_kept_is_the_best_one_or_the_last():
    history = _history(1.0, 5.0, 2.0)
    assert [history.kept(selection).epoch for selection in ("validation", "test", "last")] == [2, 2, 3]


def test_an_epoch_that_is_not_surely_above_the_first_is_not_kept():
    start = Epoch(0, 0.5, 0.1, {"geometric_mean": 4.0})
    unsure, sure = (
        Epoch(number, 0.5, 0.1, {"geometric_mean": mean}, low) for number, mean, low in ((1, 9.0, 0.0), (2, 7.0, 0.01))
    )
    assert History((start, unsure)).best == start
    assert History((start, unsure, sure)).best == sure
    assert History((start, unsure)).kept("last") == unsure, "the last one is asked for"


def test_how_far_above_the_start_is_in_the_table_and_in_json_where_it_is_known(tmp_path):
    history = History((Epoch(0, 0.5, 0.1, {"R@1": 4.0}), Epoch(1, 0.5, 0.1, {"R@1": 5.0}, -0.25)))
    history.write(tmp_path)
    with (tmp_path / NAME).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["above_start"] for row in rows] == ["", "-0.25"]
    assert "above_start" not in history.plain()[0]
    assert History.parse(json.loads(json.dumps(history.plain()))) == history


def test_it_comes_back_from_json_exactly():
    history = _history(1 / 3, 2 / 7)
    assert History.parse(json.loads(json.dumps(history.plain()))) == history


def test_the_table_has_a_row_for_each_epoch_and_replaces_the_old_one(tmp_path):
    for count in (1, 3):
        _history(*range(count)).write(tmp_path)
        with (tmp_path / NAME).open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["epoch"] for row in rows] == [str(number + 1) for number in range(count)]
        assert rows[-1] == {
            "epoch": str(count),
            "loss": "0.5",
            "learning_rate": "0.1",
            "geometric_mean": str(count - 1),
        }
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def _history(*means):
    return History(tuple(Epoch(i + 1, 0.5, 0.1, {"geometric_mean": mean}) for i, mean in enumerate(means)))
