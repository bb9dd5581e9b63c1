import csv
import json

from models.training.history import NAME, Epoch, History


def test_the_best_epoch_is_the_last_of_those_with_the_highest_geometric_mean():
    assert _history(1.0, 5.0, 3.0, 5.0, 2.0).best.epoch == 4


def test_the_epoch_that_is_kept_is_the_best_one_or_the_last():
    history = _history(1.0, 5.0, 2.0)
    assert [history.kept(selection).epoch for selection in ("validation", "test", "last")] == [2, 2, 3]


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
