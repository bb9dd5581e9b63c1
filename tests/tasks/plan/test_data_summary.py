from tasks import BuildManifest, ExtractExpert
from tasks.plan.data_summary import data_summary
from tasks.plan.plan import load_plan
from tasks.plan.settings import Paths


def test_reports_say_what_each_expert_found(project):
    with project.process():
        facts = data_summary(load_plan(Paths().layout, "tiny").inventory)
    assert facts["dataset"] == facts["model"] == "tiny"
    assert facts["experts"]["rgb_light"] == {"modality": "rgb", "present": 14, "absent": 0, "failed": 0}
    assert facts["experts"]["speech_light"] == {"modality": "speech", "present": 5, "absent": 9, "failed": 0}
    assert facts["failures"] == []


def test_a_failed_file_is_told_under_each_of_its_names(project):
    for name in ("broken.mp4", "copy.mp4"):
        (project.videos / name).write_bytes(b"no video")
    project.run(BuildManifest, dataset="tiny")
    project.attempt(ExtractExpert, dataset="tiny", expert="rgb_light")
    with project.process():
        facts = data_summary(load_plan(Paths().layout, "tiny", experts="rgb_light").inventory)
    assert facts["experts"]["rgb_light"]["failed"] == 1
    assert sorted(failure["video"] for failure in facts["failures"]) == ["broken.mp4", "copy.mp4"]
    assert {failure["expert"] for failure in facts["failures"]} == {"rgb_light"}
    assert all(failure["reason"] for failure in facts["failures"])
