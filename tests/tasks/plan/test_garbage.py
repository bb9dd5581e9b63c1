import os
import shutil
import time

import pytest

from pipeline.stores import atomic
from tasks import AblateExperts, EvaluateCE
from tests.tasks.project import MODEL, collect_garbage


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
    before = project.results()
    project.videos.rename(project.root / "unmounted")
    output, after = collect_garbage(project, capsys, delete=True)
    assert after == before
    assert "(a disk that is not mounted?)" in output, "said aloud"
    project.videos.mkdir()
    output, after = collect_garbage(project, capsys, delete=True)
    assert after == before
    assert "holds no video any more" in output


@pytest.mark.parametrize("kind, name", [("datasets", "tiny"), ("models", "tiny"), ("experts", "rgb_light")])
def test_what_a_yaml_leads_to_that_cannot_be_read_is_kept(project, capsys, kind, name):
    before = project.results()
    (project.configs / kind / f"{name}.yaml").write_text("experts: [")
    output, after = collect_garbage(project, capsys, delete=True)
    assert after == before
    assert f"{name}.yaml" in output


def test_with_the_configs_of_somebody_else_everything_is_kept(project, capsys):
    before = project.results()
    shutil.rmtree(project.configs)
    for kind in ("datasets", "models", "experts", "text"):
        (project.configs / kind).mkdir(parents=True)
    output, after = collect_garbage(project, capsys, delete=True)
    assert after == before
    assert "tiny.yaml" in output


def test_a_run_with_other_options_is_wanted_as_long_as_its_inputs_are(project, capsys):
    project.write_config("models", "other", MODEL | {"experts": ["rgb_light"]})
    options = ({"experts": "speech_light"}, {"seeds": "7"}, {"model": "other", "split": "val"})
    for chosen in options:
        project.run(EvaluateCE, dataset="tiny", rankings=False, **chosen)
    shutil.rmtree(next((project.data / "store" / "runs" / "tiny" / "other").iterdir()))
    before = project.results()
    output, after = collect_garbage(project, capsys, delete=True)
    assert (output.splitlines()[-1], after) == ("0 deleted", before)
    for chosen in options:
        assert project.run(EvaluateCE, dataset="tiny", rankings=False, **chosen) == []
    project.edit("experts", "rgb_light", params__fps=3.0)
    project.run(EvaluateCE, dataset="tiny")
    _, after = collect_garbage(project, capsys, delete=True)
    with_speech_alone = {path for path in after if path.startswith("reports/")}
    assert len(with_speech_alone) == 2, "the new one, and the one that never saw rgb_light"


def test_a_damaged_result_is_listed_by_itself(project, capsys):
    aside = project.data / "store" / "damaged" / "runs-tiny-x"
    aside.mkdir(parents=True)
    output, _ = collect_garbage(project, capsys)
    assert "Damaged, and set aside:" in output
    assert aside.exists()
    collect_garbage(project, capsys, delete=True)
    assert not aside.exists()


def test_what_a_living_process_writes_for_hours_is_no_garbage(project, capsys):
    parent = project.data / "store" / "index" / "tiny"
    mine = atomic.temporary(parent / "0123456789ab")
    other = parent / f"{atomic.TEMPORARY}00000000_1_12345678-0123456789ab"
    for folder in (mine, other):
        folder.mkdir(parents=True)
        old = time.time() - 5 * atomic.ABANDONED_S
        os.utime(folder, (old, old))
    assert collect_garbage(project, capsys, delete=True)[0].splitlines()[-1] == "0 deleted"
    assert mine.exists()
    assert other.exists(), "of another machine"


@pytest.mark.parametrize("age_s", [0, 2 * atomic.ABANDONED_S])
def test_what_a_kill_left_half_written_is_garbage_when_it_is_old(project, capsys, age_s):
    (folder,) = {part.parent for part in project.feature_parts("rgb_light")}
    left = folder / f"{atomic.TEMPORARY}part-0123.zarr"
    (left / "values").mkdir(parents=True)
    (left / "values" / "zarr.json").write_text("{}")
    (folder / f"{atomic.TEMPORARY}abc-recipe.json").write_text("{}")
    for path in (left / "values" / "zarr.json", left / "values", left, folder / f"{atomic.TEMPORARY}abc-recipe.json"):
        os.utime(path, (time.time() - age_s, time.time() - age_s))
    output, _ = collect_garbage(project, capsys, delete=True)
    assert output.splitlines()[-1] == ("2 deleted" if age_s else "0 deleted")
    assert left.exists() == (age_s == 0)
    assert project.run(EvaluateCE, dataset="tiny") == []


def test_before_anything_was_run_there_is_no_garbage(project, capsys):
    shutil.rmtree(project.data / "store")
    output, _ = collect_garbage(project, capsys)
    assert output.splitlines()[-1] == "0 found"
