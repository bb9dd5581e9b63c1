"""What runs again after a kill, a failure or a deletion."""

import os
import shutil
from contextlib import contextmanager

import numpy as np
import pytest

from extractors import registry, spoken_words
from pipeline.stores import parts, store
from tasks import EncodeText, EvaluateCE, ExtractExpert, TrainCE, extraction, manifest, training
from tasks.console import progress
from tests.tasks.project import forget_everything
from tests.tasks.rerun.stages import BOTH, EVALUATE, MANIFEST, RGB, TEXT, TRAIN, evaluate, num_new_rows


@contextmanager
def killed_after(monkeypatch, what, done_before):
    """Ctrl-C when so much of a stage is done."""

    def impatient(bar):
        @contextmanager
        def shown(title, *unit):
            with bar(title, *unit) as move:

                def moved(done, *more):
                    move(done, *more)
                    if title.startswith(what) and done >= done_before:
                        raise KeyboardInterrupt

                yield moved

        return shown

    with monkeypatch.context() as patch:
        for stage in (manifest, training):
            patch.setattr(stage, "progress_bar", impatient(progress.progress_bar))
        patch.setattr(extraction, "video_progress", impatient(progress.video_progress))
        yield


def kill(project, monkeypatch, what, done_before, **extraction):
    with killed_after(monkeypatch, what, done_before), pytest.raises(KeyboardInterrupt):
        project.attempt(EvaluateCE, extraction, dataset="tiny")


def values_of(project, expert):
    forget_everything()
    (folder,) = {part.parent for part in project.feature_parts(expert)}
    keys = sorted(store.rows(folder))
    return keys, parts.read(folder, keys, registry.expert(expert, project.configs / "experts").extractor.dim)


def test_a_kill_during_extraction_runs_what_is_missing(project, monkeypatch):
    wanted = {name: values_of(project, name) for name in ("rgb_light", "speech_light")}
    shutil.rmtree(project.data / "store" / "features")
    kill(project, monkeypatch, "Extracting", 10, videos_per_part=4)  # each lasts a second
    before = project.feature_parts("rgb_light")
    assert num_new_rows(project, "rgb_light", []) == 8, "two parts of four"
    ran = evaluate(project)
    assert ran[0] == BOTH[0]
    assert num_new_rows(project, "rgb_light", before) == 6
    for name, (keys, block) in wanted.items():
        keys_now, now = values_of(project, name)
        assert keys_now == keys
        np.testing.assert_array_equal(now.values, block.values)
        np.testing.assert_array_equal(now.offsets, block.offsets)


def test_a_kill_during_training_resumes_and_ends_with_the_same_report(project, monkeypatch):
    project.edit("models", "tiny", training__epochs=6, runtime__checkpoint_s=0.0)
    assert evaluate(project) == TRAIN + EVALUATE
    wanted = project.report()
    shutil.rmtree(project.data / "store" / "runs")
    shutil.rmtree(project.data / "store" / "reports")
    kill(project, monkeypatch, "Training", 3)
    assert evaluate(project) == TRAIN + EVALUATE
    now = project.report()
    assert now["training"] == wanted["training"]
    assert now["t2v"] == wanted["t2v"]


def test_a_kill_while_files_are_looked_into_keeps_what_was_seen(project, monkeypatch):
    for path in project.videos.iterdir():
        os.utime(path, ns=(1, 1))
    kill(project, monkeypatch, "Looking", 5)
    seen = []
    bar = progress.progress_bar

    @contextmanager
    def watching(title, unit):
        with bar(title, unit) as move:
            yield lambda done, of: seen.append((title, of)) or move(done, of)

    monkeypatch.setattr(manifest, "progress_bar", watching)
    assert evaluate(project) == MANIFEST
    assert seen[0] == ("Looking into the files", 14 - 5)


def test_one_expert_that_fails_runs_only_itself_again(project, monkeypatch):
    shutil.rmtree(project.data / "store" / "features")
    with monkeypatch.context() as patch:
        patch.setattr(spoken_words.Expert, "embed", lambda self, items: 1 / 0)
        ran, worked = project.attempt(EvaluateCE, dataset="tiny")
    assert not worked
    assert ran == BOTH
    assert num_new_rows(project, "rgb_light", []) == 14, "the other one is kept"
    assert evaluate(project) == ["ExtractExpert speech_light"], "and its old runs fit again"


def test_too_many_failures_stop_the_run_and_a_broken_file_can_be_allowed(project, capsys):
    (project.videos / "broken.mp4").write_text("not a video")
    ran, worked = project.attempt(EvaluateCE, dataset="tiny")
    assert (ran, worked) == (MANIFEST + BOTH, False)
    ran, worked = project.attempt(EvaluateCE, dataset="tiny")
    assert not worked, "a failure is not forgotten by asking again"
    project.edit("datasets", "tiny", max_failed_fraction=0.1)
    assert evaluate(project) == TRAIN + EVALUATE
    assert {row["video"] for row in project.report()["failures"]} == {"broken.mp4"}


def test_a_deleted_part_is_extracted_again_and_the_old_run_fits(project):
    (part,) = project.feature_parts("rgb_light")
    keys, wanted = values_of(project, "rgb_light")
    shutil.rmtree(part)
    assert evaluate(project) == RGB
    keys_now, now = values_of(project, "rgb_light")
    assert keys_now == keys
    np.testing.assert_array_equal(now.values, wanted.values)


def test_deleted_results_are_made_again(project):
    shutil.rmtree(project.data / "store" / "reports")
    assert evaluate(project) == EVALUATE
    for kind in ("text", "runs"):
        shutil.rmtree(project.data / "store" / kind)
        assert evaluate(project) == [], "the report is there, and is of what was deleted"
    assert project.run(TrainCE, dataset="tiny", seed=0) == TEXT + TRAIN
    shutil.rmtree(project.data / "store" / "manifests")
    assert evaluate(project) == MANIFEST
    shutil.rmtree(project.data / "cache")
    assert evaluate(project) == []


def test_a_result_without_its_commit_mark_is_made_again(project):
    """As after a kill between the last file and recipe.json."""
    (mark,) = project.data.glob("store/reports/*/*/*/recipe.json")
    mark.unlink()
    assert evaluate(project) == EVALUATE


def test_half_a_run_of_one_task_is_enough_for_another(project):
    shutil.rmtree(project.data / "store")
    assert project.run(ExtractExpert, dataset="tiny", expert="rgb_light") == MANIFEST + RGB
    assert project.run(EncodeText, dataset="tiny") == TEXT
    assert project.run(TrainCE, dataset="tiny", seed=0) == ["ExtractExpert speech_light", *TRAIN]
    assert evaluate(project) == EVALUATE
