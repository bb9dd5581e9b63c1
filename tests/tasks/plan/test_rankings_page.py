import json
import os
import re

import pytest

from tasks import EvaluateCE


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
