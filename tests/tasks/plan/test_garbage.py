import os
import shutil
import time

import pytest

from pipeline.stores import atomic
from tasks import AblateExperts, EvaluateCE
from tasks.plan.garbage import ABANDONED_S
from tests.tasks.project import collect_garbage


def test_what_configs_ask_for_is_no_garbage(project, capsys):
    project.run(AblateExperts, dataset="tiny")
    project.run(EvaluateCE, dataset="tiny", split="val")
    before = project.results()
    for delete in (False, True):
        output, after = collect_garbage(project, capsys, delete)
        assert output.splitlines()[-1].startswith("0 ")
        assert after == before
    assert project.run(AblateExperts, dataset="tiny") == []
    assert project.run(EvaluateCE, dataset="tiny") == []


def test_an_expert_without_a_yaml_is_garbage(project, capsys):
    project.edit("models", "tiny", experts=["rgb_light"])
    project.run(EvaluateCE, dataset="tiny")
    (project.configs / "experts" / "speech_light.yaml").unlink()
    _, after = collect_garbage(project, capsys, delete=True)
    assert not any(path.startswith("features/speech_light/") for path in after)
    assert project.run(EvaluateCE, dataset="tiny") == []


def test_an_expert_that_no_model_names_is_kept(project, capsys):
    project.edit("models", "tiny", experts=["rgb_light"])
    project.run(EvaluateCE, dataset="tiny")
    _, after = collect_garbage(project, capsys, delete=True)
    assert any(path.startswith("features/speech_light/") for path in after), "its YAML is there"


def test_while_a_folder_was_not_looked_into_nothing_of_it_is_garbage(project, capsys):
    project.add_video("new.mp4", 20, None)
    before = project.results()
    output, after = collect_garbage(project, capsys, delete=True)
    assert output.splitlines()[-1].startswith("0 ")
    assert after == before


def test_a_dataset_whose_disk_is_not_mounted_is_kept_as_far_as_its_features_go(project, capsys):
    project.videos.rename(project.root / "unmounted")
    _, after = collect_garbage(project, capsys, delete=True)
    assert any(path.startswith("features/rgb_light/") for path in after)
    assert any(path.startswith("text/") for path in after)


@pytest.mark.parametrize("age_s", [0, 2 * ABANDONED_S])
def test_what_a_kill_left_half_written_is_garbage_when_it_is_old(project, capsys, age_s):
    (folder,) = {part.parent for part in project.feature_parts("rgb_light")}
    left = folder / f"{atomic.TEMPORARY}part-0123.zarr"
    (left / "values").mkdir(parents=True)
    (left / "values" / "zarr.json").write_text("{}")
    (folder / f"{atomic.TEMPORARY}abc-recipe.json").write_text("{}")
    for path in (left, folder / f"{atomic.TEMPORARY}abc-recipe.json"):
        os.utime(path, (time.time() - age_s, time.time() - age_s))
    output, _ = collect_garbage(project, capsys, delete=True)
    assert output.splitlines()[-1] == ("2 deleted" if age_s else "0 deleted")
    assert left.exists() == (age_s == 0)
    assert project.run(EvaluateCE, dataset="tiny") == []


def test_before_anything_was_run_there_is_no_garbage(project, capsys):
    shutil.rmtree(project.data / "store")
    output, _ = collect_garbage(project, capsys)
    assert output.splitlines()[-1] == "0 found"
