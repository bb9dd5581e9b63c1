import json
import os
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tasks import BuildManifest, EvaluateCE
from tasks.plan.plan import load_plan
from tasks.plan.rankings_page import RankingsPage
from tasks.plan.settings import Paths
from tests.tasks.project import Project


def test_a_run_that_was_killed_among_the_stills_keeps_those_that_are_there(project):
    (page,) = project.rankings_pages()
    (page.parent / "rankings" / "recipe.json").unlink()
    first, *_ = stills = sorted((page.parent / "rankings").glob("*.jpg"))
    first.unlink()
    first.with_suffix(".partial").write_bytes(b"half of a pict")
    kept = {still: still.stat().st_mtime_ns for still in stills[1:]}
    project.run(EvaluateCE, dataset="tiny")
    assert first.read_bytes()[:2] == b"\xff\xd8"
    assert {still: still.stat().st_mtime_ns for still in kept} == kept


def test_a_network_that_makes_one_vector_of_all_experts_has_one_share(project):
    project.edit("models", "tiny", architecture__gating="concat")
    assert project.run(EvaluateCE, dataset="tiny") == ["TrainCE 0", "EvaluateCE test"]
    page = max(project.rankings_pages(), key=lambda path: path.stat().st_mtime_ns).read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL).group(1))
    assert [expert["name"] for expert in data["experts"]] == ["all experts"]
    for query in data["t2v"]:
        for pair in query["found"]:
            assert pair["shares"] == [pytest.approx(pair["score"], abs=1e-3)]


def test_videos_that_are_no_videos_any_more_have_no_still_and_the_page_is_made(project):
    for path in project.videos.glob("v1[123].mp4"):
        stat = path.stat()
        path.write_bytes(b"\0" * stat.st_size)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # the manifest believes what it knows of the file
    (page,) = project.rankings_pages()
    for path in (page.parent / "rankings").iterdir():
        path.unlink()
    assert project.run(EvaluateCE, dataset="tiny") == ["EvaluateCE test"]
    assert not list((page.parent / "rankings").glob("*.jpg"))
    assert "v11.mp4" in page.read_text(encoding="utf-8")


def moved(project) -> Path:
    """Moves the folder of the videos and says so in the YAML; the new folder."""
    elsewhere = project.data / "raw" / "elsewhere"
    project.videos.rename(elsewhere)
    project.edit("datasets", "tiny", videos=str(elsewhere))
    return elsewhere


def files_on(page: Path) -> set[Path]:
    """The files of videos to which a page leads."""
    data = json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL).group(1))
    return {(page.parent / unquote(one["file"])).resolve() for one in data["media"].values()}


def test_a_page_leads_to_the_videos_after_their_folder_was_moved(project):
    (page,) = project.rankings_pages()
    elsewhere = moved(project)
    assert project.run(EvaluateCE, dataset="tiny") == ["BuildManifest", "EvaluateCE test"]
    assert files_on(page) == {file.resolve() for file in elsewhere.glob("*.mp4") if file.resolve() in files_on(page)}
    assert all(file.is_file() for file in files_on(page))
    assert project.run(EvaluateCE, dataset="tiny") == []


def test_a_page_stays_when_the_project_is_moved_with_its_videos(project, tmp_path):
    with project.process():
        before = RankingsPage(load_plan(Paths().layout, "tiny"), (0,), "test").recipe
    project.save(tmp_path / "other")
    other = Project(tmp_path / "other")
    other.edit("datasets", "tiny", videos=str(other.videos), captions=str(other.captions))
    other.run(BuildManifest, dataset="tiny")
    with other.process():
        assert RankingsPage(load_plan(Paths().layout, "tiny"), (0,), "test").recipe == before


@pytest.mark.parametrize(
    "change",
    [
        lambda project: project.edit("experts", "rgb_light", modality="colour"),
        lambda project: (project.configs / "search.yaml").write_text(
            (project.configs / "search.yaml")
            .read_text(encoding="utf-8")
            .replace("stop_words: [", "stop_words: [hello, "),
            encoding="utf-8",
        ),
    ],
    ids=["modality", "stop words"],
)
def test_what_a_page_shows_beside_the_report_makes_it_stale(project, change):
    def recipe():
        with project.process():
            return RankingsPage(load_plan(Paths().layout, "tiny"), (0,), "test").recipe

    before = recipe()
    change(project)
    assert recipe() != before


def test_the_lowest_seed_is_shown_in_whatever_order_they_are_typed(project):
    with project.process():
        plan = load_plan(Paths().layout, "tiny")
        first, second = (RankingsPage(plan, seeds, "test") for seeds in ((0, 1), (1, 0)))
    assert (first.path, first.recipe) == (second.path, second.recipe)
    assert first.recipe["seed"] == 0
