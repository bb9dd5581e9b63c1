import shutil
import subprocess
import sys

import luigi
import numpy as np
import pytest

from pipeline.errors import ConfigError
from tasks import BuildManifest, EncodeText, EvaluateCE, ExtractExpert, MakeDemo, TrainCE, parameters
from tests.tasks.project import CONFIGS, SPLITS

HEAVY = {
    "torch",
    "torchvision",
    "av",
    "decord",
    "cv2",
    "zarr",
    "librosa",
    "matplotlib",
    "scipy",
    "skimage",
    "onnxruntime",
}


def test_importing_the_tasks_imports_no_heavy_library():
    script = f"import sys, tasks; print(sorted({HEAVY!r} & sys.modules.keys()))"
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=CONFIGS.parent
    )
    assert told.stdout.strip() == "[]"


def test_every_task_is_listed_and_says_what_it_does():
    import tasks

    every = [getattr(tasks, name) for name in tasks.__all__]
    assert len(every) >= 9
    for task in every:
        assert issubclass(task, luigi.Task)
        assert len(task.__doc__) > 20
        for _, param in task.get_params():
            assert param.description or param.visibility != luigi.parameter.ParameterVisibility.PUBLIC, task
    assert tasks.__all__ == sorted(tasks.__all__)


def requires(task):
    return [dep.task_family for dep in luigi.task.flatten(task.requires())]


def test_tasks_hang_together(project):
    with project.process():
        evaluate = EvaluateCE(dataset="tiny")
        (train,) = evaluate.requires()
        assert (train.task_family, train.seed, train.dataset) == ("TrainCE", 0, "tiny")
        assert sorted(requires(train)) == ["EncodeText", "ExtractExpert", "ExtractExpert"]
        assert requires(ExtractExpert(dataset="tiny", expert="rgb_light")) == ["BuildManifest", "FetchWeights"]
        assert requires(EncodeText(dataset="tiny")) == ["BuildManifest", "FetchWeights"]
        assert requires(BuildManifest(dataset="tiny")) == []


def test_only_a_demo_is_made(project):
    block = {"version": 1, "seed": 1, "num_train": 2, "num_val": 1, "num_test": 1, "captions_per_video": 1}
    block |= {"duration_s": [1.0, 1.0], "width_px": 320, "height_px": 240, "fps": 8}
    project.write_config("datasets", "made", {"videos": str(project.root / "made" / "videos"), "demo": block})
    with project.process():
        assert requires(BuildManifest(dataset="made")) == ["MakeDemo"]
        assert not BuildManifest(dataset="made").complete()
        with pytest.raises(ConfigError, match="no 'demo' block"):
            MakeDemo(dataset="tiny").complete()


def test_seeds_of_the_command_line_replace_those_of_the_model(project):
    with project.process():
        seeds = [task.seed for task in EvaluateCE(dataset="tiny", seeds="3, 1,2").requires()]
        assert seeds == [3, 1, 2]


def test_chosen_experts_replace_those_of_the_model(project):
    with project.process():
        task = TrainCE(dataset="tiny", seed=0, experts="rgb_light, rgb_light")
        assert [dep.expert for dep in task.requires() if isinstance(dep, ExtractExpert)] == ["rgb_light"]


def test_all_is_complete_once_all_was_run(project):
    tasks = [BuildManifest, EncodeText, EvaluateCE]
    with project.process():
        assert all(task(dataset="tiny").complete() for task in tasks)
        assert ExtractExpert(dataset="tiny", expert="rgb_light").complete()
        assert ExtractExpert(dataset="tiny", expert="rgb_light,speech_light").complete()
        assert TrainCE(dataset="tiny", seed=0).complete()
        assert not TrainCE(dataset="tiny", seed=1).complete()


def test_nothing_is_complete_before_the_folder_was_looked_into(project):
    (project.videos / "new.mp4").write_bytes(b"x")
    with project.process():
        assert not BuildManifest(dataset="tiny").complete()
        assert not ExtractExpert(dataset="tiny", expert="rgb_light").complete()
        assert not EncodeText(dataset="tiny").complete()
        assert not TrainCE(dataset="tiny", seed=0).complete()
        assert not EvaluateCE(dataset="tiny").complete()


def test_experts_are_joined_under_one_name_whatever_their_order():
    join = ExtractExpert.expert._batch_method
    assert join(["b", "a", "c"]) == join(["c", "b", "a"]) == "a,b,c"
    ids = ExtractExpert.worker_run._batch_method
    assert ids(["", ""]) == ids([""]) == parameters.RUN_ID, "Luigi asks twice and must get the same"
    assert len(parameters.RUN_ID) == 8


def test_the_id_of_a_process_is_no_part_of_what_a_single_expert_is():
    assert "worker_run" not in ExtractExpert(dataset="x", expert="y").task_id


def test_two_datasets_are_two_runs(project):
    shutil.copytree(project.videos, project.data / "raw" / "two")
    project.write_config("datasets", "two", {"videos": str(project.data / "raw" / "two"), "model": "tiny"})
    project.edit("experts", "rgb_light", params__fps=3.0)
    project.edit("experts", "speech_light", params__words__longest=4)
    project.edit("text", "words_hashed", params__longest=4)

    class Both(luigi.WrapperTask):
        def requires(self):
            return [ExtractExpert(name, expert) for name in ("tiny", "two") for expert in ("rgb_light", "speech_light")]

    ran, worked = project.attempt(Both)
    assert worked
    extracting = [name for name in ran if name.startswith("ExtractExpert")]
    # The videos are the same: what the first dataset extracted, the second one has.
    assert extracting == ["ExtractExpert rgb_light,speech_light"]
    assert len(SPLITS) == sum(len(_rows(part)) for part in project.feature_parts("rgb_light")[-1:])


def _rows(part):
    from pipeline.stores import store

    return store.rows_of(part)


@pytest.mark.slow
def test_two_devices_extract_what_one_does(project):
    before = project.values("rgb_light")
    shutil.rmtree(project.data / "store" / "features")
    two = {"device": "cpu,cpu", "videos_per_part": "4"}
    ran, worked = project.attempt(ExtractExpert, two, workers=True, dataset="tiny", expert="rgb_light,speech_light")
    assert (ran, worked) == (["ExtractExpert rgb_light,speech_light"], True)
    assert len(project.feature_parts("rgb_light")) == 4
    np.testing.assert_array_equal(project.values("rgb_light"), before)


def test_too_many_failures_are_told_again_without_an_extraction_of_nothing(project, capsys, caplog):
    (project.videos / "broken.mp4").write_text("not a video")
    for extracting in (1, 0):
        caplog.clear()
        _, worked = project.attempt(ExtractExpert, dataset="tiny", expert="rgb_light")
        assert not worked
        assert capsys.readouterr().out.count("Extracting rgb_light from 1 videos") == extracting
        assert "failed on 1 of 15 videos" in caplog.text


def test_a_task_that_did_not_do_its_work_fails_the_run(project, monkeypatch):
    from tasks.plan.plan import Plan

    (project.videos / "new.mp4").write_bytes(b"x")
    monkeypatch.setattr(Plan, "build_manifest", lambda self, *rest: self.manifest())
    ran, worked = project.attempt(BuildManifest, dataset="tiny")
    assert (ran, worked) == (["BuildManifest"], False)


def test_experts_may_be_typed_with_blanks_and_a_comma_too_many(project):
    with project.process():
        typed = ExtractExpert(dataset="tiny", expert=" speech_light, rgb_light ,")
        assert [target.name for target in typed.output()] == ["speech_light", "rgb_light"]
        with pytest.raises(ConfigError, match="--expert names no expert"):
            ExtractExpert(dataset="tiny", expert=" ,").output()
