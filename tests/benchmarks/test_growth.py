import json

from benchmarks.growth import TOLD, table


def test_the_table_has_the_medians_of_both_and_how_many_times_the_one_is_the_other(tmp_path):
    rounds = [{"alone": dict.fromkeys(TOLD, alone), "grown": dict.fromkeys(TOLD, grown)} for alone, grown in
              ((2.0, 3.0), (4.0, 5.0), (9.0, 30.0))]  # fmt: skip
    body = {"machine": {"cpu": "Some CPU"}, "experts": "a,b", "size": 10_000, "added": 100, "rounds": rounds}
    path = tmp_path / "growth.json"
    path.write_text(json.dumps(body))
    lines = table(path).splitlines()
    assert lines[0] == "| CPU seconds | 100 videos alone | 100 added to 10,000 | times |"
    assert lines[2] == "| `BuildManifest` | 4.0 | 5.0 | 1.25 |"
    assert lines[-1] == "Experts: a, b. On Some CPU, medians of 3 rounds in turns, others busy on the same cores."
    path.write_text(json.dumps(body | {"rounds": rounds[:1]}))
    assert "one round in turns" in table(path)
