"""A program that cannot be imported: a package is missing or broken, or luigi.cfg is no settings file."""

import configparser
import os
import subprocess
import sys

import pytest

from tasks.console import broken
from tests.tasks.project import CONFIGS


@pytest.fixture
def typed(tmp_path):
    """Runs `python -m tasks WORDS` where these modules are as given; (exit code, output, errors)."""

    def run(*words, **modules):
        for name, code in modules.items():
            (tmp_path / f"{name}.py").write_text(code)
        clean = {key: value for key, value in os.environ.items() if key != "LUIGI_CONFIG_PATH"}
        done = subprocess.run(
            [sys.executable, "-P", "-m", "tasks", *words],
            cwd=tmp_path,
            env=clean | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(CONFIGS.parent)])},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run


MISSING = {"pydantic": "raise ModuleNotFoundError(\"No module named 'pydantic'\", name='pydantic')"}


def test_a_missing_package_is_told_in_one_line(typed):
    code, output, errors = typed("Status", "--dataset", "demo", **MISSING)
    assert (code, output) == (2, "")
    assert errors.startswith("ERROR: the package pydantic is not installed in python")
    assert errors.endswith("python -m tasks Doctor tells more\n")
    assert errors.count("\n") == 1


def test_doctor_runs_all_the_same_and_tells_all_that_it_can(typed):
    code, output, errors = typed("Doctor", **MISSING)
    assert (code, errors) == (1, "")
    assert output.startswith("FAULT  program ")
    assert "the package pydantic is not installed" in output
    assert "ok     decoders" in output
    assert output.endswith("1 fault\n")


def test_settings_that_are_no_settings_are_a_fault_and_no_traceback(typed, tmp_path):
    (tmp_path / "luigi.cfg").write_text("data = here\n")
    code, output, errors = typed("Status", "--dataset", "demo")
    assert (code, output) == (2, "")
    assert errors.startswith("ERROR: luigi.cfg cannot be read: File contains no section headers.")
    assert errors.count("\n") == 1
    code, output, errors = typed("Doctor")
    assert (code, errors) == (1, "")
    assert "luigi.cfg cannot be read" in output.splitlines()[0]


def test_a_bug_of_the_program_itself_keeps_its_traceback():
    assert broken.exit_status(ImportError("cannot import name 'x'", name="pipeline.config"), []) is None


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (ImportError("libGL.so.1: cannot open shared object file", name="cv2"), "ImportError: libGL.so.1"),
        (configparser.ParsingError("luigi.cfg"), "luigi.cfg cannot be read: "),
    ],
)
def test_what_is_broken_is_named(capsys, error, what):
    assert broken.exit_status(error, ["Status"]) == 2
    assert f"ERROR: {what}" in capsys.readouterr().err
