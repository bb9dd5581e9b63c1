import pytest

from pipeline.errors import PipelineError
from pipeline.stores import recipes
from tasks.plan.plan import load_plan
from tasks.plan.settings import Paths
from tasks.plan.targets import ExpertTarget, FolderTarget, ManifestTarget, TextTarget


def test_a_folder_is_there_once_its_recipe_is(tmp_path):
    target = FolderTarget(tmp_path / "run", tmp_path)
    assert not target.exists()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.safetensors").write_bytes(b"x")
    assert not target.exists(), "the recipe is written last"
    recipes.write_recipe(tmp_path / "run", {"stage": "train"})
    assert target.exists()
    assert target.require() == tmp_path / "run"


def test_a_folder_whose_name_is_not_known_is_not_there(tmp_path):
    assert not FolderTarget(None, tmp_path).exists()
    with pytest.raises(PipelineError, match="run the same command again"):
        FolderTarget(None, tmp_path).require()


def test_a_damaged_folder_is_set_aside_and_told_and_then_not_there(tmp_path, caplog):
    run = tmp_path / "runs" / "tiny" / "ce" / "0123"
    run.mkdir(parents=True)
    (run / "recipe.json").write_text("{")
    (run / "model.safetensors").write_bytes(b"kept to look at")
    assert not FolderTarget(run, tmp_path).exists()
    (aside,) = (tmp_path / "damaged").iterdir()
    assert aside.name.startswith("runs-tiny-ce-0123-")
    assert (aside / "model.safetensors").read_bytes() == b"kept to look at"
    (line,) = caplog.messages
    assert str(run) in line
    assert str(aside) in line
    assert not run.exists()


def test_targets_of_a_finished_project_are_there_and_after_a_new_video_are_not(project):
    def targets():
        plan = load_plan(Paths().layout, "tiny")
        tiny = plan.inventory
        return [
            ManifestTarget(tiny),
            ExpertTarget(tiny, "rgb_light"),
            ExpertTarget(tiny, "speech_light"),
            TextTarget(tiny, plan.selection.text),
        ]

    with project.process():
        assert all(target.exists() for target in targets())
    (project.videos / "new.mp4").write_bytes(b"x")
    with project.process():
        assert not any(target.exists() for target in targets())
        assert ExpertTarget(load_plan(Paths().layout, "tiny").inventory, "rgb_light").state() is None
