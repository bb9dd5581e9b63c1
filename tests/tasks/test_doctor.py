import getpass
import json
import os
import subprocess
import sys

import pytest

from tests.tasks.project import CONFIGS
from tests.tasks.rerun.test_disks import read_only, without_overrides


def whole(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_a_project_in_order_has_no_fault_and_is_left_as_it_was(project):
    before = whole(project.data)
    code, output, errors = project.run_command("Doctor")
    assert (code, errors) == (0, ""), output
    lines = output.splitlines()
    assert lines[-1] == "No faults"
    assert not any(line.startswith("FAULT") for line in lines)
    for subject in (
        "program",
        "Python",
        "cores",
        "GPU",
        "store",
        "clock",
        "decoders",
        "luigi.cfg",
        "configs",
        "weights",
    ):
        assert any(line.split()[1] == subject for line in lines[:-1] if line[:1] != " "), subject
    assert whole(project.data).keys() == before.keys()
    assert str(project.root) not in output
    assert str(CONFIGS.parent) not in output
    assert f"/{getpass.getuser()}" not in output


def test_as_json_it_says_the_same(project):
    project.write_config("datasets", "broken", {"vidoes": "x"})
    code, output, errors = project.run_command("Doctor", "--json")
    assert (code, errors) == (1, "")
    told = json.loads(output)
    assert told["faults"] == 1
    first = told["findings"][0]
    assert (first["subject"], first["state"], first["advice"]) == ("configs", "fault", "correct it, or delete it")
    assert first["found"].startswith("datasets/broken.yaml: unknown key 'vidoes'")
    assert {finding["state"] for finding in told["findings"]} <= {"fault", "note", "ok"}


def test_a_data_folder_that_cannot_be_written_is_a_fault(project):
    with read_only(project.data):
        code, output, errors = project.run_command("Doctor", preexec_fn=without_overrides)
    assert (code, errors) == (1, "")
    assert "store            cannot be written: Permission denied" in output
    assert "let [Paths] in luigi.cfg lead elsewhere" in output


@pytest.mark.parametrize("words", [[], ["--project", "/nowhere"]])
def test_without_a_project_it_says_so_and_all_else(tmp_path, words):
    clean = {key: value for key, value in os.environ.items() if key != "LUIGI_CONFIG_PATH"}
    done = subprocess.run(
        [sys.executable, "-m", "luigi", "--module", "tasks", "Doctor", *words],
        cwd=tmp_path,
        env=clean | {"PYTHONPATH": str(CONFIGS.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("FAULT  project")
    assert "ok     decoders" in done.stdout
    assert str(tmp_path) not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_settings_that_luigi_cannot_read_from_a_subfolder_are_a_fault(project):
    (project.root / "luigi.cfg").write_text("data = here\n")
    clean = {key: value for key, value in os.environ.items() if key != "LUIGI_CONFIG_PATH"}
    for task, status in (("Doctor", 1), ("ListExperts", 2)):
        done = subprocess.run(
            [sys.executable, "-m", "luigi", "--module", "tasks", task],
            cwd=project.data,
            env=clean | {"PYTHONPATH": str(CONFIGS.parent)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status
        assert "Traceback" not in done.stdout + done.stderr
        assert "cannot be read" in done.stdout + done.stderr
