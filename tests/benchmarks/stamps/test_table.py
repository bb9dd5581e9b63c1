import json

from benchmarks.stamps.table import readme, table


def metrics(recall):
    """Of a row."""
    return {name: {"mean": recall, "interval": [recall - 1, recall + 1]} for name in ("R@1", "R@5", "R@10")} | {
        "MdR": {"mean": 4.0}
    }


def figures(gain):
    above = {"R@1": {"mean": gain, "low": gain - 2, "high": gain + 2, "p": 0.5}}
    return {
        "dataset": {"train": 60, "val": 15, "test": 40},
        "plain": {"photographs": 100, "t2v": metrics(30.0)},
        "rows": [
            {"name": "zero-shot", "seeds": 0, "t2v": metrics(20.0)},
            {"name": "CE", "seeds": 5, "t2v": metrics(21.25), "above_zero_shot": above},
        ],
    }


def test_each_way_has_a_line_with_its_intervals_beside_chance():
    lines = table(figures(1.25))
    assert lines[2] == "| zero-shot | 20.0 (19.0 to 21.0) | 20.0 (19.0 to 21.0) | 20.0 (19.0 to 21.0) | 4.0 |"
    assert lines[4] == "| chance | 2.5 | 12.5 | 25.0 | |"


def test_a_trained_model_below_zero_shot_is_said_aloud():
    assert "CE is 3.0 points of R@1 BELOW zero-shot" in table(figures(-3.0))[-2]
    assert "95 % interval of the difference -5.0 to -1.0" in table(figures(-3.0))[-2]
    assert "CE is 3.0 points of R@1 above zero-shot" in table(figures(3.0))[-2]


def test_a_residual_network_is_compared_with_its_start_too_and_seeds_that_kept_it_are_counted():
    made = figures(3.0)
    row = made["rows"][1] | {"name": "CE residual", "kept": [0, 4, 0]}
    made["rows"].append(row | {"above_start": {"R@1": {"mean": 0.5, "low": -0.5, "high": 1.5}}})
    lines = table(made)
    at = lines.index("CE residual is 0.5 points of R@1 above its start (95 % interval of the difference -0.5 to +1.5).")
    assert lines[at - 1].startswith("CE residual is 3.0 points of R@1 above zero-shot")
    assert lines[at + 1] == "It is its start, epoch 0, in 2 of 3 seeds."


def test_the_photographs_themselves_have_a_sentence():
    assert "On the 100 photographs themselves" in table(figures(1.0))[-1]
    assert "30.0 (29.0 to 31.0), 30.0 (29.0 to 31.0), 30.0 (29.0 to 31.0)." in table(figures(1.0))[-1]


def test_the_readme_has_the_table_of_the_kept_file(tmp_path):
    (tmp_path / "stamps.json").write_text(json.dumps(figures(1.0)), encoding="utf-8")
    assert readme(tmp_path / "stamps.json").startswith("| | R@1 |")
