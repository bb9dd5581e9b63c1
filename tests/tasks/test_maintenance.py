import os
import shutil

import numpy as np

from pipeline.stores import parts, store
from pipeline.stores.claims import Taken, claims_of
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from tasks import EvaluateCE, ForgetFailures, Status
from tests.tasks.project import collect_garbage


def fail_row(project, expert, video):
    """As if an expert had failed on a video, e.g. because its decoder was killed."""
    from pipeline.datasets.files import cached_infos
    from pipeline.datasets.video_files import find_videos

    facts = cached_infos(find_videos(project.videos), project.data / "cache" / "files.sqlite")
    (part,) = project.feature_parts(expert)
    dim = parts.read_array(part, "values").shape[1]
    keep = [row for row in store.rows_of(part) if row.key != facts[video].content]
    kept = [parts.read_features(part.parent, row.key) for row in keep]
    shutil.rmtree(part)
    nothing = Features(np.zeros((0, dim), np.float32), np.zeros((0, 2)))
    failed = Row(facts[video].content, 0, failed=True, reason="gave up after 120 s")
    parts.publish(part.parent, [*keep, failed], [*kept, nothing], dim)
    store.forget_scans()
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
    store.forget_scans()
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


def test_claimed_chunks_are_tried_again_and_abandoned_claims_are_garbage(project, capsys):
    where = claims_of(project.data / "store")
    for name, tries in (("tiny/chunks/000001-abc", 5), ("tiny/chunks/000002-def", 1), ("tiny/expert-rgb_light", 1)):
        where.claim(name, Taken("0a1b2c3d_77", "elsewhere", tries).text)
    project.run(ForgetFailures, dataset="tiny")
    assert "2 claimed chunks will be tried again" in capsys.readouterr().out
    assert (where.names("tiny/chunks"), where.names("tiny")) == ([], ["tiny/expert-rgb_light"])
    assert "claims" not in collect_garbage(project, capsys)[0], "somebody may be at work"
    left = project.data / "store" / "claims" / "tiny" / "expert-rgb_light"
    os.utime(left, (0, 0))
    assert str(left) in collect_garbage(project, capsys, delete=True)[0]
    assert where.names("tiny") == []


def test_forgetting_before_the_first_run_is_no_error(project):
    shutil.rmtree(project.data / "store")
    assert project.attempt(ForgetFailures, dataset="tiny") == (["ForgetFailures"], True)


def test_what_no_config_asks_for_is_listed_and_only_deleted_when_told_to(project, capsys):
    before = project.results()
    project.edit("experts", "rgb_light", params__fps=3.0)
    project.run(EvaluateCE, dataset="tiny")
    both = project.results()
    old = {
        path for path in before if path.split("/")[0] in {"runs", "reports"} or path.startswith("features/rgb_light/")
    }
    assert len(old) == 3
    output, after = collect_garbage(project, capsys)
    assert after == both, "listed, not deleted"
    assert output.splitlines()[-1] == "3 found; --delete removes them"
    assert all(path.rsplit("/", 1)[1] in output for path in old)
    output, after = collect_garbage(project, capsys, delete=True)
    assert output.splitlines()[-1] == "3 deleted"
    assert after == both - old
    assert project.run(EvaluateCE, dataset="tiny") == []


def test_the_task_prints_a_table(project):
    project.edit("experts", "rgb_light", params__fps=3.0)
    code, output, errors = project.run_command("Status", "--dataset", "tiny")
    assert (code, errors) == (0, "")
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert "ExtractExpert rgb_light STALE all 14 videos: params.fps: 2.0 -> 3.0" in lines
    assert "BuildManifest fresh 14 videos" in lines


def test_the_task_can_be_asked_again_and_again(project, capsys):
    for _ in range(2):
        ran, worked = project.attempt(Status, dataset="tiny")
        assert (ran, worked) == (["Status test"], True)


def test_the_table_has_both(project, capsys):
    project.run(Status, dataset="tiny")
    output = capsys.readouterr().out
    assert "ShowRankings test" in output
    assert "BuildIndex" in output
