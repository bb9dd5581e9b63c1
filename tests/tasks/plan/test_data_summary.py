from tasks import BuildManifest, ExtractExpert
from tasks.plan.data_summary import data_summary
from tasks.plan.plan import load_plan
from tasks.plan.settings import Paths


def test_reports_say_what_each_expert_found(project):
    with project.process():
        summary = data_summary(load_plan(Paths().layout, "tiny").inventory)
    assert summary["dataset"] == summary["model"] == "tiny"
    assert summary["experts"]["rgb_light"] == {"modality": "rgb", "present": 14, "absent": 0, "failed": 0}
    assert summary["experts"]["speech_light"] == {"modality": "speech", "present": 5, "absent": 9, "failed": 0}
    assert summary["failures"] == []


def test_a_failed_file_is_told_under_each_of_its_names(project):
    for name in ("broken.mp4", "copy.mp4"):
        (project.videos / name).write_bytes(b"no video")
    project.run(BuildManifest, dataset="tiny")
    project.attempt(ExtractExpert, dataset="tiny", expert="rgb_light")
    with project.process():
        summary = data_summary(load_plan(Paths().layout, "tiny", experts="rgb_light").inventory)
    assert summary["experts"]["rgb_light"]["failed"] == 1
    assert sorted(failure["video"] for failure in summary["failures"]) == ["broken.mp4", "copy.mp4"]
    assert {failure["expert"] for failure in summary["failures"]} == {"rgb_light"}
    assert all(failure["reason"] for failure in summary["failures"])
