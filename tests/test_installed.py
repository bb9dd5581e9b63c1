"""The program as pip installs it, away from its repository: in a project folder of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import project
from pipeline.stores import store
from tests.clips import make_clip
from tests.test_readme import ROOT, block

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Folder with what a wheel of the program installs."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    names = ("pipeline", "extractors", "models", "search", "tasks", "configs")
    for name in names:
        left_out = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=left_out)
    for name in ("pyproject.toml", "README.md", "LICENSE", "luigi.cfg"):
        shutil.copy(ROOT / name, source)
    wheels = folder / "wheels"
    subprocess.run(
        [Path(sys.executable).with_name("uv"), "build", "--quiet", "--wheel", "-o", wheels, source], check=True
    )
    (wheel,) = wheels.glob("*.whl")
    shutil.unpack_archive(wheel, folder / "site", "zip")
    shutil.rmtree(source)
    return folder / "site"


def run(site, folder, *command):
    """What a command prints in a folder, with the installed program alone; the repository is not importable."""
    environment = {name: value for name, value in os.environ.items() if name != project.VARIABLE}
    ran = subprocess.run(
        [sys.executable, "-P", "-m", *command],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(site)},
        text=True,
        capture_output=True,
        timeout=250,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_it_works_in_a_project_folder_with_the_shipped_configs_and_an_expert_of_its_own(site, tmp_path):
    where = """import sys
from pipeline import config, project
print(config.SHIPPED)
project.make(project.Path(sys.argv[1]))"""
    environment = os.environ | {"PYTHONPATH": str(site)}
    made = [sys.executable, "-P", "-c", where, str(tmp_path / "mine")]
    told = subprocess.run(made, env=environment, cwd=tmp_path, check=True, text=True, capture_output=True).stdout
    assert Path(told.strip()).is_relative_to(site), "not the repository's"
    home = tmp_path / "mine"
    for first_line in ("# extractors/brightness.py", "# configs/experts/brightness.yaml"):
        (home / first_line.removeprefix("# ")).write_text(block(first_line), encoding="utf-8")
    (tmp_path / "videos").mkdir()
    make_clip(tmp_path / "videos/one.mp4", seconds=2)

    told = run(site, home, "luigi", "--module", "tasks", "ListExperts")
    assert "brightness" in told
    assert "rgb_lite" in told
    run(site, home, "tasks", "NewDataset", "--name", "clips", "--videos", "../videos")
    assert (home / "configs/datasets/clips.yaml").is_file()
    run(site, home, "tasks", "ExtractExpert", "--dataset", "clips", "--expert", "brightness,rgb_light")
    for name, count in (("brightness", 4), ("rgb_light", 4)):
        (row,) = store.rows(next((home / f"data/store/features/{name}").iterdir())).values()
        assert (row.failed, row.count) == (False, count)
    told = run(site, home, "tasks", "Status", "--dataset", "clips", "--experts", "brightness,rgb_light")
    assert "brightness" in told
