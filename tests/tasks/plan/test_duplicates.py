import pytest

from tasks import EvaluateCE
from tasks.plan.duplicates import duplicates
from tasks.plan.plan import load_plan
from tasks.plan.settings import Paths


def found(project):
    with project.process():
        return duplicates(load_plan(Paths().layout, "tiny"))["duplicates"]


@pytest.mark.slow
def test_a_test_video_that_is_almost_a_training_video_is_told_in_the_report(project):
    """The videos of the project differ in the place of a square: by the mean of their features some are near."""
    assert found(project) == {"equal": {"within": {}, "across": {}}}
    project.add_video("planted.mp4", 0, "test")  # as v00.mp4, which is in train
    project.write_captions()
    project.edit("datasets", "tiny", near_duplicates={"expert": "rgb_light", "threshold": 0.999999})
    assert "EvaluateCE test" in project.run(EvaluateCE, dataset="tiny", rankings=False)
    report = project.report()
    near = report["duplicates"]["near"]
    assert near["in_train"] == {"test": 1}
    assert near["pairs"][0]["videos"] == ["planted.mp4", "v00.mp4"]
    assert (
        "1 of 4 videos of the test split are near-duplicates of training videos (by a cosine of rgb_light 0.999999 or "
        "more, e.g. planted.mp4 and v00.mp4): recalls may be too high." in report["warnings"]
    )
    assert report["duplicates"]["equal"] == {"within": {}, "across": {"train, test": 1}}
    project.edit("datasets", "tiny", near_duplicates={"expert": "rgb_light", "threshold": 0.5})
    assert project.run(EvaluateCE, dataset="tiny", rankings=False) == ["EvaluateCE test"]


def test_an_expert_that_the_model_does_not_have_is_told_and_stops_nothing(project):
    project.edit("datasets", "tiny", near_duplicates={"expert": "clip"})
    assert found(project)["near"] == {"expert": "clip", "lacks": "the model does not have the expert clip"}
