import os
import subprocess
import sys

import pytest
import yaml

from tests.tasks.project import CONFIGS

QUICK = ["ListExperts"]


def command(folder, *words, **environment):
    """(exit code, output, errors) of `luigi --module tasks WORDS`, typed in `folder`."""
    clean = {key: value for key, value in os.environ.items() if key not in {"LUIGI_CONFIG_PATH", "PYTHONPATH"}}
    done = subprocess.run(
        [sys.executable, "-m", "luigi", "--module", "tasks", *words],
        cwd=folder,
        env=clean | {"PYTHONPATH": str(CONFIGS.parent)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def home(tmp_path):
    """A project with one expert and one dataset, and a folder deep in it."""
    home = tmp_path / "home"
    for kind, name in (("experts", "rgb_light"), ("models", "ce_light"), ("text", "words_hashed")):
        (home / "configs" / kind).mkdir(parents=True)
        text = (CONFIGS / kind / f"{name}.yaml").read_text(encoding="utf-8")
        (home / "configs" / kind / f"{name}.yaml").write_text(text, encoding="utf-8")
    (home / "luigi.cfg").write_text("[Paths]\ndata = kept\n", encoding="utf-8")
    (home / "a" / "b").mkdir(parents=True)
    return home


def test_outside_of_a_project_a_command_ends_at_once_with_one_line(tmp_path):
    code, output, errors = command(tmp_path, "EvaluateCE", "--dataset", "demo")
    assert (code, output) == (2, "")
    assert errors.startswith(f"ERROR: no project folder: neither {tmp_path} nor a folder above it has configs/")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("typed", ["{home}", "home", "./home/a/.."])
@pytest.mark.parametrize("how", ["--project", "EXPERT_RETRIEVAL_HOME"])
def test_a_project_that_is_named_is_found_also_by_a_relative_path(home, tmp_path, how, typed):
    path = typed.format(home=home)
    words, environment = (["--project", path], {}) if how == "--project" else ([], {how: path})
    code, output, errors = command(tmp_path, *QUICK, *words, **environment)
    assert (code, errors) == (0, "")
    assert "rgb_light" in output


def test_a_command_finds_the_project_that_it_is_typed_in(home):
    code, output, errors = command(home / "a" / "b", *QUICK)
    assert (code, errors) == (0, "")
    assert "rgb_light" in output


def test_the_settings_of_the_project_hold_in_its_subfolders_and_a_named_file_comes_before_them(home, bare_clip):
    words = ["NewDataset", "--name", "mine", "--videos", "clips"]
    (home / "a" / "clips").mkdir()
    (home / "a" / "clips" / "one.mp4").write_bytes(bare_clip.read_bytes())
    code, _, errors = command(home / "a", *words)
    assert (code, errors) == (0, "")
    written = yaml.safe_load((home / "configs" / "datasets" / "mine.yaml").read_text(encoding="utf-8"))
    assert (home / written["videos"]).resolve() == home / "a" / "clips"
    (home / "a" / "more.cfg").write_text("[Paths]\ndata = other\n", encoding="utf-8")
    for settings, folder in (({}, "kept"), ({"LUIGI_CONFIG_PATH": "more.cfg"}, "other")):
        code, output, errors = command(home / "a", "BuildManifest", "--dataset", "mine", **settings)
        assert code == 0, output + errors
        assert (home / folder / "store" / "manifests" / "mine").is_dir()
    assert not (home / "a" / "kept").exists()
