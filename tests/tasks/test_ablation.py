import json

import pytest

from tasks import AblateExperts, EvaluateCE
from tasks.ablation import ALL


def test_the_comparison_holds_the_numbers_of_the_reports(project):
    project.run(AblateExperts, dataset="tiny")
    (path,) = project.data.glob("store/ablations/tiny/tiny/*/ablation.json")
    body = json.loads(path.read_text(encoding="utf-8"))
    assert list(body["without"]) == [ALL, "rgb_light", "speech_light"]
    assert body["modalities"] == {"rgb_light": "rgb", "speech_light": "speech"}
    reports = [json.loads(found.read_text()) for found in project.data.glob("store/reports/tiny/tiny/*/report.json")]
    assert len(reports) == 3
    for left_out, row in body["without"].items():
        names = {"rgb_light", "speech_light"} - {left_out}
        (report,) = [report for report in reports if report["experts"].keys() == names]
        assert row["R@1"] == report["t2v"]["R@1"]["mean"]
        assert row["R@10"] == report["t2v"]["R@10"]["mean"]


@pytest.mark.slow
def test_it_is_made_again_when_a_report_is(project):
    project.run(AblateExperts, dataset="tiny")
    project.edit("experts", "speech_light", params__words__longest=4)
    project.edit("text", "words_hashed", params__longest=4)
    ran = project.run(AblateExperts, dataset="tiny")
    assert ran[-1] == "AblateExperts"
    assert "ExtractExpert speech_light" in ran
    assert len(list(project.data.glob("store/ablations/tiny/tiny/*/ablation.json"))) == 2


@pytest.mark.slow
def test_a_second_one_on_other_seeds_shares_what_it_can(project):
    project.run(AblateExperts, dataset="tiny")
    assert project.run(EvaluateCE, dataset="tiny", experts="rgb_light", rankings=False) == []
    ran = project.run(AblateExperts, dataset="tiny", seeds="1")
    assert sorted(ran) == sorted(["TrainCE 1"] * 3 + ["EvaluateCE test"] * 3 + ["AblateExperts"])
