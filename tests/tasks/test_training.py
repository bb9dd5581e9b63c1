import shutil

import pytest

from pipeline.errors import ConfigError
from tasks import EvaluateCE, ExtractExpert, TrainCE
from tests.tasks.project import MODEL, Project


def test_chosen_experts_replace_those_of_the_model(project):
    with project.process():
        task = TrainCE(dataset="tiny", seed=0, experts="rgb_light, rgb_light")
        assert [dep.expert for dep in task.requires() if isinstance(dep, ExtractExpert)] == ["rgb_light"]


@pytest.fixture
def distilled(project: Project) -> Project:
    """A model that learns from `tiny`, which was trained before, and from one that was not."""
    project.write_config("models", "second", MODEL | {"experts": ["rgb_light"]})
    training = MODEL["training"] | {"teachers": ["tiny", "second"]}
    project.write_config("models", "taught", MODEL | {"training": training})
    return project


def test_teachers_are_trained_first_and_only_where_they_were_not(distilled):
    assert distilled.run(TrainCE, dataset="tiny", model="taught", seed=0) == ["TrainCE 0", "TrainCE 0"]
    assert distilled.run(EvaluateCE, dataset="tiny", model="taught") == ["EvaluateCE test"]
    assert distilled.run(EvaluateCE, dataset="tiny", model="taught") == []


def test_another_teacher_is_another_training(distilled):
    distilled.run(TrainCE, dataset="tiny", model="taught", seed=0)
    distilled.edit("models", "second", training__epochs=1)
    assert distilled.run(TrainCE, dataset="tiny", model="taught", seed=0) == ["TrainCE 0", "TrainCE 0"]
    assert distilled.run(TrainCE, dataset="tiny", seed=0) == [], "the teachers do not know of it"


def test_a_teacher_may_not_have_teachers(distilled):
    distilled.edit("models", "second", training__teachers=["tiny"])
    with distilled.process(), pytest.raises(ConfigError, match=r"second\.yaml is a teacher, and so may not have any"):
        TrainCE(dataset="tiny", model="taught", seed=0).output()


def empty(project, split):
    """Puts the videos of a split into another one, and forgets all that was made."""
    for row in project.rows:
        row["split"] = row["split"].replace(split, "val" if split == "test" else "test")
    project.write_captions()
    shutil.rmtree(project.data / "store")


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_what_cannot_end_for_an_empty_split_is_refused_before_any_work(project, split):
    empty(project, split)
    for _ in range(2):  # the manifest is made by the first run, and known to the second
        _, worked = project.attempt(EvaluateCE, dataset="tiny")
        assert not worked
        store = project.data / "store"
        written = {path.relative_to(store).parts[0] for path in store.rglob("*") if path.is_file()}
        assert written == {"manifests"}


def test_an_empty_split_that_nobody_asks_for_stops_nothing(project):
    empty(project, "test")
    assert "TrainCE 0" in project.run(TrainCE, dataset="tiny", seed=0)
    assert project.run(EvaluateCE, dataset="tiny", split="val") == ["EvaluateCE val"]
    _, worked = project.attempt(EvaluateCE, dataset="tiny")
    assert not worked


def test_four_videos_without_named_splits_are_trained_and_evaluated(project):
    project.rows = [row | {"split": ""} for row in project.rows[:4]]
    project.write_captions()
    assert "EvaluateCE test" in project.run(EvaluateCE, dataset="tiny")
