"""Each kind of damage to each kind of result: it is set aside, told in one line, and made anew by the same command."""

import shutil

import pytest

from tasks import BuildIndex, EvaluateCE
from tests.tasks.rerun.stages import evaluate

DAMAGES = (pytest.param("empty", marks=pytest.mark.slow), "flipped", pytest.param("gone", marks=pytest.mark.slow))

UPSTREAM = {
    "chunk of a part": "store/features/rgb_light/*/part-*.zarr/values/c/0/0",
    "index of a part": "store/features/rgb_light/*/part-*.zarr/zarr.json",
    "chunk of a text part": "store/text/*/*/part-*.zarr/values/c/0/0",
    "index of a text part": "store/text/*/*/part-*.zarr/zarr.json",
    "network": "store/runs/tiny/*/*/model.safetensors",
    "history": "store/runs/tiny/*/*/history.csv",
    "recipe of a run": "store/runs/tiny/*/*/recipe.json",
    "manifest": "store/manifests/tiny/*/manifest.json",
}
"""Of which nothing is read while the report is fresh, but for the indexes and the manifest."""
REPORT = ("report.json", "report.html", "ranks.csv", "recipe.json", "rankings/recipe.json", "rankings.html")


def damage(project, pattern, how):
    (path,) = project.data.glob(pattern)
    content = path.read_bytes()
    place = len(content) // 2
    if how == "gone":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    else:
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])


def set_aside(project):
    return list((project.data / "store" / "damaged").glob("*"))


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("what", UPSTREAM)
def test_a_damaged_input_is_made_anew_and_the_report_is_the_same(project, caplog, capsys, what, how):
    wanted = project.report()["t2v"]
    damage(project, UPSTREAM[what], how)
    assert project.attempt(EvaluateCE, dataset="tiny")[1], "with the report still fresh"
    shutil.rmtree(project.data / "store" / "reports")
    ran, worked = project.attempt(EvaluateCE, dataset="tiny")
    assert worked, ran
    assert project.report()["t2v"] == wanted
    told = [line for line in [*caplog.messages, *capsys.readouterr().out.splitlines()] if "moved to" in line]
    assert len(told) == len(set_aside(project)), "one line each"
    if how != "gone":
        assert len(told) == 1
    assert evaluate(project) == [], "and all is well"


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("name", REPORT)
def test_a_damaged_report_is_made_anew(project, name, how):
    (folder,) = project.data.glob("store/reports/tiny/*/*")
    wanted = {path.name: path.read_bytes() for path in (folder / "report.json", folder / "ranks.csv")}
    damage(project, f"store/reports/tiny/*/*/{name}", how)
    assert project.attempt(EvaluateCE, dataset="tiny")[1]
    assert {path: (folder / path).read_bytes() for path in wanted} == wanted
    assert evaluate(project) == []


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_file_cache_is_made_anew(project, how):
    wanted = project.report()["t2v"]
    damage(project, "cache/files.sqlite", how)
    shutil.rmtree(project.data / "store" / "manifests")
    shutil.rmtree(project.data / "store" / "reports")
    assert project.attempt(EvaluateCE, dataset="tiny")[1]
    assert project.report()["t2v"] == wanted


def test_a_file_cache_that_is_no_database_is_set_aside(project):
    path = project.data / "cache" / "files.sqlite"
    path.write_bytes(b"not a database" * 1000)
    shutil.rmtree(project.data / "store" / "manifests")
    assert project.attempt(EvaluateCE, dataset="tiny")[1]
    (aside,) = set_aside(project)
    assert aside.read_bytes().startswith(b"not a database")


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_index_is_made_anew(project, how):
    project.run(BuildIndex, dataset="tiny")
    (folder,) = project.data.glob("store/index/tiny/*/")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    wanted = {
        path: path.read_bytes() for path in files if path.suffix in {".npy", ".json"} and path.name != "recipe.json"
    }
    for path in files:
        damage(project, str(path.relative_to(project.data)), how)
        assert project.attempt(BuildIndex, dataset="tiny")[1], path
        assert path.stat().st_size > 0
    assert {path: path.read_bytes() for path in wanted} == wanted
    assert project.run(BuildIndex, dataset="tiny") == []
