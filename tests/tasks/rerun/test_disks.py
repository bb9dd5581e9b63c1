"""A disk that is full, a store that cannot be written, and results that a newer version of the program wrote."""

import ctypes
import json
import os
import shutil
import signal
import sys
from contextlib import contextmanager

import pytest

from pipeline.stores.fingerprint import canonical, text_sha256


def whole_files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def small_files_only():
    """In the child process: no file may grow beyond 4 kB, as with a quota."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def one_line(errors):
    lines = [line for line in errors.splitlines() if line.strip() and "[00:" not in line]
    assert "Traceback" not in errors, errors
    return lines


@pytest.mark.slow
def test_a_quota_ends_a_run_in_one_line_and_the_same_command_goes_on(project):
    wanted = project.report()["t2v"]
    for kind in ("features", "reports"):
        shutil.rmtree(project.data / "store" / kind)
    code, _, errors = project.run_command("EvaluateCE", "--dataset", "tiny", preexec_fn=small_files_only)
    assert code != 0
    assert one_line(errors)
    assert not list((project.data / "store").rglob("part-*.zarr/**/.tmp-*"))
    assert project.run_command("EvaluateCE", "--dataset", "tiny")[0] == 0
    assert project.report()["t2v"] == wanted


def without_overrides():
    """In the child process: root obeys the permissions of files too, for its programs lose CAP_DAC_OVERRIDE."""
    if os.geteuid() == 0:
        drop, dac_override, dac_read_search = 24, 1, 2  # PR_CAPBSET_DROP, <linux/capability.h>
        for capability in (dac_override, dac_read_search):
            assert ctypes.CDLL(None).prctl(drop, capability, 0, 0, 0) == 0


@contextmanager
def read_only(folder):
    """A context in which nothing below the folder can be written by whoever obeys the permissions."""
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for path in folders:
        path.chmod(0o555)
    try:
        yield
    finally:
        for path in folders:
            path.chmod(0o755)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
def test_a_store_that_cannot_be_written_is_told_in_one_line_and_read_where_all_is_there(project):
    with read_only(project.data):
        for task in ("EvaluateCE", "Status"):
            code, _, errors = project.run_command(task, "--dataset", "tiny", preexec_fn=without_overrides)
            assert code == 0, errors
    shutil.rmtree(project.data / "store" / "reports")
    with read_only(project.data):
        code, _, errors = project.run_command("EvaluateCE", "--dataset", "tiny", preexec_fn=without_overrides)
        assert code != 0
        assert "Permission denied" in one_line(errors)[0]


@pytest.mark.parametrize(
    "pattern, place",
    [
        ("reports/tiny/*/*/recipe.json", ()),
        ("features/rgb_light/*/part-*.zarr/zarr.json", ("attributes",)),
        ("manifests/tiny/*/manifest.json", ()),
    ],
)
def test_what_a_newer_version_wrote_is_named_in_one_line_and_left_alone(project, pattern, place):
    (path,) = (project.data / "store").glob(pattern)
    body = json.loads(path.read_text())
    inner = body
    for key in place:
        inner = inner[key]
    inner["format"] = 7
    path.write_text(json.dumps(body))
    before = whole_files(project.data / "store")
    code, _, errors = project.run_command("EvaluateCE", "--dataset", "tiny")
    assert code != 0
    assert "written by a newer version of this program (format 7); update the program" in one_line(errors)[0]
    assert whole_files(project.data / "store") == before


def test_a_row_with_a_new_key_is_of_a_newer_version(tmp_path):
    from pipeline.errors import NewerVersionError
    from pipeline.stores import store

    signed = {"format": 1, "rows": [{"key": "a", "count": 0, "language": "en"}], "arrays": []}
    part = tmp_path / "part-0.zarr"
    part.mkdir()
    attributes = signed | {"sha256": text_sha256(canonical(signed))}
    (part / "zarr.json").write_text(json.dumps({"attributes": attributes}))
    with pytest.raises(NewerVersionError, match="unknown key 'language'"):
        store.rows(tmp_path)
