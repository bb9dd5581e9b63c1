import os
import shutil
import time

import numpy as np
import pytest

from pipeline.stores import atomic, parts, store
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from tasks import AblateExperts, CollectGarbage, EvaluateCE, ForgetFailures
from tasks.maintenance import ABANDONED_S


def fail_row(project, expert, video):
    """As if an expert had failed on a video, e.g. because its decoder was killed."""
    from pipeline.datasets.files import cached_infos, find_videos

    found = {item.video_id: item for item in find_videos(project.videos)}
    facts = cached_infos(list(found.values()), project.data / "cache" / "files.sqlite")
    (part,) = project.feature_parts(expert)
    dim = parts.read_array(part, "values").shape[1]
    keep = [row for row in store.rows_of(part) if row.key != facts[video].content]
    kept = [parts.read_features(part.parent, row.key) for row in keep]
    shutil.rmtree(part)
    nothing = Features(np.zeros((0, dim), np.float32), np.zeros((0, 2)))
    failed = Row(facts[video].content, 0, failed=True, reason="gave up after 120 s")
    parts.publish(part.parent, [*keep, failed], [*kept, nothing], dim)
    store.rows_of.cache_clear()
    parts._open.cache_clear()


def test_failures_are_forgotten_and_tried_again(project):
    fail_row(project, "rgb_light", "v03.mp4")
    assert not project.attempt(EvaluateCE, dataset="tiny")[1], "more than 5 % failed"
    assert project.attempt(ForgetFailures, dataset="tiny") == (["ForgetFailures"], True)
    before = {name: project.feature_parts(name) for name in ("rgb_light", "speech_light")}
    ran = project.run(EvaluateCE, dataset="tiny")
    # Before the folder was looked into, Luigi takes both experts for stale; only one has something to do.
    assert ran == ["BuildManifest", "ExtractExpert rgb_light,speech_light"], "and the old run fits again"
    assert project.feature_parts("speech_light") == before["speech_light"]
    assert len(project.feature_parts("rgb_light")) == len(before["rgb_light"]) + 1
    store.rows_of.cache_clear()
    rows = [row for part in project.feature_parts("rgb_light") for row in store.rows_of(part)]
    assert len(rows) == 14
    assert not any(row.failed for row in rows)


def test_a_file_that_could_not_be_read_is_looked_into_again(project):
    """Its rights are given back, its disk is mounted again: nothing that its date or size would tell."""
    path = project.videos / "v03.mp4"
    good, stat = path.read_bytes(), path.stat()
    path.write_bytes(b"\0" * len(good))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert not project.attempt(EvaluateCE, dataset="tiny")[1]
    path.write_bytes(good)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert not project.attempt(EvaluateCE, dataset="tiny")[1], "nobody can tell that it is well"
    project.run(ForgetFailures, dataset="tiny")
    assert project.run(EvaluateCE, dataset="tiny") == ["BuildManifest"]


def test_forgetting_when_nothing_failed_costs_a_look_and_no_more(project, capsys):
    project.run(ForgetFailures, dataset="tiny")
    assert "tried again" not in capsys.readouterr().out
    assert project.run(EvaluateCE, dataset="tiny") == ["BuildManifest"]


def test_forgetting_before_the_first_run_is_no_error(project):
    shutil.rmtree(project.data / "store")
    assert project.attempt(ForgetFailures, dataset="tiny") == (["ForgetFailures"], True)


def results(project):
    """Every folder that holds a result."""
    patterns = ("features/*/*", "text/*/*", "manifests/*/*/", "runs/*/*/*", "reports/*/*/*", "ablations/*/*/*")
    found = [path for pattern in patterns for path in (project.data / "store").glob(pattern)]
    return {str(path.relative_to(project.data / "store")) for path in found if path.is_dir()}


def collect(project, capsys, delete=False):
    """What was said and the results that are left."""
    capsys.readouterr()
    project.run(CollectGarbage, delete=delete)
    return capsys.readouterr().out, results(project)


def test_what_configs_ask_for_is_no_garbage(project, capsys):
    project.run(AblateExperts, dataset="tiny")
    project.run(EvaluateCE, dataset="tiny", split="val")
    before = results(project)
    for delete in (False, True):
        said, after = collect(project, capsys, delete)
        assert said.splitlines()[-1].startswith("0 ")
        assert after == before
    assert project.run(AblateExperts, dataset="tiny") == []
    assert project.run(EvaluateCE, dataset="tiny") == []


def test_what_no_config_asks_for_is_listed_and_only_deleted_when_told_to(project, capsys):
    before = results(project)
    project.edit("experts", "rgb_light", params__fps=3.0)
    project.run(EvaluateCE, dataset="tiny")
    both = results(project)
    old = {
        path for path in before if path.split("/")[0] in {"runs", "reports"} or path.startswith("features/rgb_light/")
    }
    assert len(old) == 3
    said, after = collect(project, capsys)
    assert after == both, "listed, not deleted"
    assert said.splitlines()[-1] == "3 found; --delete removes them"
    assert all(path.rsplit("/", 1)[1] in said for path in old)
    said, after = collect(project, capsys, delete=True)
    assert said.splitlines()[-1] == "3 deleted"
    assert after == both - old
    assert project.run(EvaluateCE, dataset="tiny") == []


def test_an_expert_without_a_yaml_is_garbage(project, capsys):
    project.edit("models", "tiny", experts=["rgb_light"])
    project.run(EvaluateCE, dataset="tiny")
    (project.configs / "experts" / "speech_light.yaml").unlink()
    _, after = collect(project, capsys, delete=True)
    assert not any(path.startswith("features/speech_light/") for path in after)
    assert project.run(EvaluateCE, dataset="tiny") == []


def test_an_expert_that_no_model_names_is_kept(project, capsys):
    project.edit("models", "tiny", experts=["rgb_light"])
    project.run(EvaluateCE, dataset="tiny")
    _, after = collect(project, capsys, delete=True)
    assert any(path.startswith("features/speech_light/") for path in after), "its YAML is there"


def test_while_a_folder_was_not_looked_into_nothing_of_it_is_garbage(project, capsys):
    project.add_video("new.mp4", 20, None)
    before = results(project)
    said, after = collect(project, capsys, delete=True)
    assert said.splitlines()[-1].startswith("0 ")
    assert after == before


def test_a_dataset_whose_disk_is_not_mounted_is_kept_as_far_as_its_features_go(project, capsys):
    project.videos.rename(project.root / "unmounted")
    _, after = collect(project, capsys, delete=True)
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
    said, _ = collect(project, capsys, delete=True)
    assert said.splitlines()[-1] == ("2 deleted" if age_s else "0 deleted")
    assert left.exists() == (age_s == 0)
    assert project.run(EvaluateCE, dataset="tiny") == []


def test_before_anything_was_run_there_is_no_garbage(project, capsys):
    shutil.rmtree(project.data / "store")
    said, _ = collect(project, capsys)
    assert said.splitlines()[-1] == "0 found"
