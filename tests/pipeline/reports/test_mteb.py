import csv
import itertools
import json

import jsonschema
import numpy as np
import pytest

from pipeline.reports import mteb
from pipeline.stores import atomic, recipes

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["dataset_revision", "task_name", "mteb_version", "scores", "evaluation_time"],
    "properties": {
        "dataset_revision": {"type": "string"},
        "task_name": {"type": "string"},
        "mteb_version": {"type": ["string", "null"]},
        "evaluation_time": {"type": ["number", "null"]},
        "kg_co2_emissions": {"type": ["number", "null"]},
        "scores": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["main_score", "hf_subset", "languages"],
                    "properties": {
                        "hf_subset": {"type": "string"},
                        "languages": {"type": "array", "items": {"pattern": "^[a-z]{3}-[A-Z][a-z]{3}$"}},
                    },
                    "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1},
                },
            },
        },
    },
}
"""The fields of mteb.TaskResult and what its validators ask of scores: embeddings-benchmark/mteb at commit 02c088ee,
mteb/results/task_result.py."""


def report(folder, stands):
    """A report of which the form needs only this; `stands`: (mean rank, number of equal scores) for each caption."""
    path = folder / "reports" / "demo" / "ce" / "abc"
    recalls = {f"R@{k}": {"mean": 40.0} for k in mteb.RECALLS}
    body = {"dataset": "demo", "split": "test", "seeds": [0], "t2v": recalls, "v2t": recalls}
    atomic.write_text(path / "report.json", json.dumps(body))
    with (path / "ranks.csv").open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["video", "caption", "tags", "rank_seed_0", "equal_seed_0"])
        lines.writerows(["v", "c", "", *stand] for stand in stands)
    recipes.write_recipe(folder / "runs" / "demo" / "ce" / "run", {"stage": "train", "manifest": "0123456789ab"})
    recipes.write_recipe(path, {"stage": "evaluate", "train": {"0": "run"}}, None, ["report.json", "ranks.csv"])
    return path


def test_the_file_has_the_keys_of_the_leaderboard(tmp_path):
    body = mteb.task_result(report(tmp_path, [(1.0, 1)]), tmp_path)
    jsonschema.validate(body, SCHEMA)
    assert (body["dataset_revision"], body["task_name"], body["mteb_version"]) == ("0123456789ab", "demo", None)
    (score,) = body["scores"]["test"]
    assert (score["hf_subset"], score["recall_at_1"], score["main_score"]) == ("t2v", 0.4, score["ndcg_at_10"])


def test_a_wrong_form_would_be_seen(tmp_path):
    body = mteb.task_result(report(tmp_path, [(1.0, 1)]), tmp_path)
    body["scores"]["test"][0]["recall_at_1"] = 40.0
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body, SCHEMA)


def test_gains_are_means_over_all_orders_of_equal_scores(tmp_path):
    """Second source: every order written out. Rank 3 alone; one of 4 equal ones after 8 better ones; rank 20."""
    groups = [[3], [9, 10, 11, 12], [20]]
    stands = [(float(np.mean(places)), len(places)) for places in groups]
    (score,) = mteb.task_result(report(tmp_path, stands), tmp_path)["scores"]["test"]
    gains = [np.mean([1 / np.log2(place + 1) if place <= 10 else 0 for place in places]) for places in groups]
    shares = [np.mean([1 / place for place in places]) for places in groups]
    assert score["ndcg_at_10"] == pytest.approx(np.mean(gains))
    assert score["mrr_at_1000"] == score["map_at_1000"] == pytest.approx(np.mean(shares))


def test_the_other_direction_is_there_where_trec_measured_it(tmp_path):
    path = report(tmp_path, [(1.0, 1)])
    means = {"nDCG@10": {"mean": 0.3}, "MAP": {"mean": 0.2}, "MRR": {"mean": 0.1}}
    atomic.write_text(path / "trec" / "measures.json", json.dumps({"measures": {"v2t": means}}))
    recipes.write_recipe(path / "trec", {"stage": "trec"}, None, ["measures.json"])
    body = mteb.task_result(path, tmp_path)
    jsonschema.validate(body, SCHEMA)
    score = body["scores"]["test"][1]
    assert (score["hf_subset"], score["main_score"], score["map_at_1000"]) == ("v2t", 0.3, 0.2)
    assert "recall_at_1" not in score, "with several right captions a hit is no recall"


def test_a_training_that_is_gone_leaves_the_revision_unknown(tmp_path):
    path = report(tmp_path, [(1.0, 1)])
    (tmp_path / "runs" / "demo" / "ce" / "run" / "recipe.json").unlink()
    assert mteb.task_result(path, tmp_path)["dataset_revision"] == "unknown"


def test_no_name_leads_out_of_the_folder(tmp_path):
    for model, dataset in itertools.product(["..", "a/b", "x.pth (released)", ""], ["..", "a/../b", "v1.5"]):
        found = mteb.file_of(tmp_path / "abc", dataset, model)
        assert len(found.parts) == 3
        assert found.parts[1] == "abc"
        assert ".." not in found.parts
        assert found.suffix == ".json"
