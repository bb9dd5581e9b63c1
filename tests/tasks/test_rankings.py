"""The page of rankings, as a part of the report and on its own."""

import json
import os
import re
import subprocess
import sys

import pytest

from tasks import AblateExperts, EvaluateCE, ShowRankings
from tests.tasks.project import CONFIGS


def pages(project) -> list:
    return sorted(project.data.glob("store/reports/tiny/*/*/rankings.html"))


def test_a_report_has_its_page_which_it_links_and_which_links_videos_and_stills(project):
    (page,) = pages(project)
    report = (page.parent / "report.html").read_text(encoding="utf-8")
    assert '<a href="rankings.html">' in report
    assert "ShowRankings" not in report
    text = page.read_text(encoding="utf-8")
    assert "../../../../../raw/tiny/v11.mp4" in text
    assert (page.parent / "../../../../../raw/tiny/v11.mp4").is_file()
    assert len(list((page.parent / "rankings").glob("*.jpg"))) == 3
    assert not list((page.parent / "rankings").glob("*.sqlite"))


def test_the_page_alone_is_made_again_when_it_is_gone_or_old(project):
    (page,) = pages(project)
    before = (page.parent / "report.json").stat().st_mtime_ns
    (page.parent / "rankings" / "recipe.json").unlink()
    page.unlink()
    assert project.run(EvaluateCE, dataset="tiny") == ["EvaluateCE test"]
    assert page.is_file()
    assert (page.parent / "report.json").stat().st_mtime_ns == before
    assert project.run(EvaluateCE, dataset="tiny") == []


def test_a_run_that_was_killed_among_the_stills_keeps_those_that_are_there(project):
    (page,) = pages(project)
    (page.parent / "rankings" / "recipe.json").unlink()
    first, *_ = stills = sorted((page.parent / "rankings").glob("*.jpg"))
    first.unlink()
    first.with_suffix(".partial").write_bytes(b"half of a pict")
    kept = {still: still.stat().st_mtime_ns for still in stills[1:]}
    project.run(EvaluateCE, dataset="tiny")
    assert first.read_bytes()[:2] == b"\xff\xd8"
    assert {still: still.stat().st_mtime_ns for still in kept} == kept


def test_the_page_of_another_split_is_made_once(project):
    assert project.run(ShowRankings, dataset="tiny") == []
    assert project.run(ShowRankings, dataset="tiny", split="val") == ["EvaluateCE val", "ShowRankings val"]
    assert len(pages(project)) == 2
    assert project.run(ShowRankings, dataset="tiny", split="val") == []
    assert project.run(EvaluateCE, dataset="tiny", split="val") == []


def test_reports_that_only_serve_a_comparison_have_no_page_until_it_is_wanted(project):
    project.run(AblateExperts, dataset="tiny")
    assert len(pages(project)) == 1
    assert project.run(EvaluateCE, dataset="tiny", experts="rgb_light") == ["EvaluateCE test"]
    assert len(pages(project)) == 2


def test_a_network_that_makes_one_vector_of_all_experts_has_one_share(project):
    project.edit("models", "tiny", architecture__gating="concat")
    assert project.run(EvaluateCE, dataset="tiny") == ["TrainCE 0", "EvaluateCE test"]
    page = max(pages(project), key=lambda path: path.stat().st_mtime_ns).read_text(encoding="utf-8")
    told = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL).group(1))
    assert [expert["name"] for expert in told["experts"]] == ["all experts"]
    for query in told["t2v"]:
        for pair in query["found"]:
            assert pair["shares"] == [pytest.approx(pair["score"], abs=1e-3)]


def test_videos_that_are_no_videos_any_more_have_no_still_and_the_page_is_made(project):
    for path in project.videos.glob("v1[123].mp4"):
        stat = path.stat()
        path.write_bytes(b"\0" * stat.st_size)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # the manifest believes what it knows of the file
    (page,) = pages(project)
    for path in (page.parent / "rankings").iterdir():
        path.unlink()
    assert project.run(EvaluateCE, dataset="tiny") == ["EvaluateCE test"]
    assert not list((page.parent / "rankings").glob("*.jpg"))
    assert "v11.mp4" in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_run_that_has_nothing_to_do_loads_no_network_library(project):
    settings = project.root / "command.cfg"
    settings.write_text(f"[Paths]\ndata = {project.data}\nconfigs = {project.configs}\n")
    code = (
        "import sys, luigi, tasks\n"
        "assert luigi.build([tasks.EvaluateCE(dataset='tiny')], local_scheduler=True)\n"
        "print(sorted({'torch', 'zarr', 'jinja2', 'PIL'} & set(sys.modules)))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=CONFIGS.parent,
        env={"LUIGI_CONFIG_PATH": str(settings), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.splitlines()[-1] == "[]"
