import csv
import io
import json
import os
from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.reports.results import METRICS, csv_of, ours, published, write_csv
from pipeline.stores import atomic, recipes

PUBLISHED = Path(__file__).parents[3] / "configs" / "published.yaml"


def report(folder, *, kind="reports", dataset="demo", model="ce", name="abc", r1=10.0, experts=("rgb",), age_s=0):
    """A report of which `ours` needs only this."""
    metrics = {name: {"mean": r1, "std": 0.5, "seeds": [r1]} for name in METRICS if name != "nDCG@10"}
    body = {
        "dataset": dataset, "model": model, "split": "test", "selection": "validation: best epoch", "seeds": [0, 1],
        "gallery": {"videos": 40, "captions": 200}, "experts": dict.fromkeys(experts, "here"),
        "t2v": metrics, "v2t": metrics,
    }  # fmt: skip
    path = folder / kind / dataset / model / name / "report.json"
    atomic.write_text(path, json.dumps(body))
    os.utime(path, (1e9 - age_s, 1e9 - age_s))
    recipes.write_recipe(path.parent, {"stage": "evaluate"})
    return path.parent


def test_the_newest_report_of_each_dataset_model_and_choice_of_experts_is_listed(tmp_path):
    report(tmp_path, name="old", r1=1.0, age_s=100)
    newest = report(tmp_path, name="new", r1=2.0)
    report(tmp_path, name="fewer", r1=3.0, experts=("audio",))
    report(tmp_path, model="moee", r1=4.0)
    report(tmp_path, kind="released", dataset="other", r1=5.0)
    found = {result.t2v["R@1"][0]: result for result in ours(tmp_path)}
    assert found.keys() == {2.0, 3.0, 4.0, 5.0}
    assert found[2.0].origin == str(newest)
    assert (found[2.0].seeds, found[2.0].videos, found[2.0].captions) == (2, 40, 200)
    assert found[2.0].selection == "validation"


def test_one_model_on_several_sets_of_experts_says_what_each_lacks(tmp_path):
    report(tmp_path, name="all", r1=1.0, experts=("rgb", "audio", "ocr"))
    report(tmp_path, name="two", r1=2.0, experts=("rgb", "audio"))
    report(tmp_path, name="one", r1=3.0, experts=("rgb",))
    report(tmp_path, name="other", model="moee", r1=4.0, experts=("rgb",))
    found = {result.t2v["R@1"][0]: result.model for result in ours(tmp_path)}
    assert found == {1.0: "ce", 2.0: "ce without ocr", 3.0: "ce without audio, ocr", 4.0: "moee"}


def test_a_report_that_is_not_committed_is_not_listed(tmp_path):
    (report(tmp_path) / "recipe.json").unlink()
    assert ours(tmp_path) == []


def test_the_published_results_are_the_corrected_ones():
    """Section numbers of the README that was corrected in February 2020; 39.4 on split 1k-A was an information leak."""
    found = {(result.dataset, result.model): result for result in published(PUBLISHED) if "v2" in result.origin}
    assert found["msrvtt_1ka", "CE"].t2v["R@1"] == (20.9, 1.2)
    assert found["msrvtt", "CE"].v2t["R@10"] == (55.2, 1.0)
    assert found["lsmdc", "CE"].t2v["MdR"] == (25.3, 3.1)
    assert all(result.t2v["R@1"][0] < 30 for result in found.values())
    names = {path.stem for path in (PUBLISHED.parent / "datasets").glob("*.yaml")}
    assert {result.dataset for result in published(PUBLISHED)} <= names


def test_single_numbers_of_later_papers_have_no_deviation_and_say_whether_anything_was_trained():
    found = {result.model: result for result in published(PUBLISHED) if result.seeds == 0}
    assert found["PE-Core-G"].t2v == {"R@1": (51.2, None)}
    assert (found["PE-Core-G"].kind, found["AGC-Qwen3-VL-4B"].kind) == ("zero-shot", "trained")
    assert found["AGC-Qwen3-VL-4B"].t2v["nDCG@10"] == (73.0, None)
    assert "dual softmax" in found["VidVec-O"].origin
    assert all(result.origin for result in published(PUBLISHED))


def test_what_trec_measured_beside_a_report_is_in_its_result_in_percent(tmp_path):
    folder = report(tmp_path)
    atomic.write_text(
        folder / "trec" / "measures.json",
        json.dumps(
            {
                "measures": {
                    name: {"nDCG@10": {"mean": 0.5, "std": 0.25}, "MAP": {"mean": 0.1, "std": 0}}
                    for name in ("t2v", "v2t")
                }
            }
        ),
    )
    assert "nDCG@10" not in ours(tmp_path)[0].t2v, "not finished"
    recipes.write_recipe(folder / "trec", {"stage": "trec"}, None, ["measures.json"])
    assert ours(tmp_path)[0].t2v["nDCG@10"] == (50.0, 25.0)


def test_no_cell_of_the_csv_is_taken_for_a_formula(tmp_path):
    result = ours(report(tmp_path, model="=HYPERLINK(1)").parents[3])[0]
    (row,) = csv.DictReader(io.StringIO(csv_of([result])))
    assert row["model"] == "'=HYPERLINK(1)"


def test_without_the_file_nothing_is_published_and_a_wrong_one_is_told(tmp_path):
    assert published(tmp_path / "published.yaml") == []
    (tmp_path / "published.yaml").write_text("results: [{dataset: demo, model: x, sourc: me, t2v: {}}]")
    with pytest.raises(ConfigError, match="sourc"):
        published(tmp_path / "published.yaml")


def test_the_table_for_other_programs_holds_every_number(tmp_path):
    report(tmp_path, r1=7.5)
    write_csv(tmp_path / "results.csv", [*ours(tmp_path), *published(PUBLISHED)])
    with (tmp_path / "results.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1 + len(published(PUBLISHED))
    assert (rows[0]["t2v R@1"], rows[0]["v2t MnR std"], rows[0]["captions"]) == ("7.5", "0.5", "200")
    assert (rows[1]["dataset"], rows[1]["t2v R@1"], rows[1]["t2v R@1 std"]) == ("msrvtt", "10.0", "0.1")
    assert rows[-1]["v2t R@1"] == "", "never published"
