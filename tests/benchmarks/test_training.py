import json

import pytest

from benchmarks import training


def test_the_result_of_a_machine_replaces_its_last_and_leaves_the_others(tmp_path):
    path = tmp_path / "figures.json"
    for device, number in (("b", 1), ("a", 2), ("b", 3)):
        training.write({"device": device, "rows": [number]}, path)
    assert json.loads(path.read_text()) == {"machines": [{"device": "a", "rows": [2]}, {"device": "b", "rows": [3]}]}


def test_a_row_tells_the_floor_and_how_much_is_above_it():
    found = training.told({"ours": 0.6, "products": 0.4, "walk": 0.1, "restated": 1.5}, 100)
    assert (found["floor_s"], found["above_floor"]) == (0.5, 1.2)
    assert (found["times"], found["epoch_s"]) == (2.5, 60.0)
    assert "floor_s" not in training.told({"ours": 0.5, "walk": 0.0}, 10)
    assert found["s_per_step"] == pytest.approx(0.6)


def test_the_table_has_a_line_for_each_row_with_or_without_floor_and_original(tmp_path):
    path = tmp_path / "figures.json"
    base = {"gating": "sequential", "precision": "fp32", "batch": 4}
    rows = [
        base | training.told({"ours": 0.6, "products": 0.4, "walk": 0.1, "restated": 1.5}, 1),
        base | {"s_per_step": 2},
    ]
    training.write({"device": "Some CPU, one thread", "train_version": 7, "rows": rows}, path)
    assert training.table(path).splitlines()[2:] == [
        "| Some CPU | 7 | sequential, fp32 | 4 | 0.60 | 1.50 | 2.50 | 0.40 + 0.10; 1.20 times it |",
        "| Some CPU | 7 | sequential, fp32 | 4 | 2.00 |  |  |  |",
    ]
