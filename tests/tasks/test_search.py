"""The index, the queries and the page of rankings, as tasks."""

import shutil

import pytest

from search import Collection
from search.folder import current
from tasks import BuildIndex, Search, ShowRankings
from tests.tasks.project import CONFIGS


@pytest.fixture
def indexed(project):
    """The finished project, with settings for a search."""
    shutil.copy(CONFIGS / "search.yaml", project.configs)
    return project


def opened(project) -> Collection:
    return Collection.open("tiny", project.data, project.configs)


def test_an_index_is_built_once(indexed):
    assert indexed.run(BuildIndex, dataset="tiny") == ["BuildIndex"]
    assert indexed.run(BuildIndex, dataset="tiny") == []
    assert len(opened(indexed).facts.entries) == 14


def test_a_search_builds_what_is_stale_and_prints_what_it_finds(indexed, capsys):
    assert indexed.run(Search, dataset="tiny", query="hello number 9") == ["BuildIndex", "Search"]
    told = capsys.readouterr().out
    assert "v09.mp4" in told.splitlines()[2]
    indexed.edit("experts", "rgb_light", params__fps=1.0)
    ran = indexed.run(Search, dataset="tiny", query="hello")
    assert ran == ["ExtractExpert rgb_light", "TrainCE 0", "BuildIndex", "Search"]


def test_what_nobody_says_is_not_found(indexed, capsys):
    indexed.run(Search, dataset="tiny", query="xylophone", untrained=True)
    assert "Nothing found for 'xylophone'" in capsys.readouterr().out


def test_without_a_model_the_words_are_found(indexed):
    assert indexed.run(BuildIndex, dataset="tiny", untrained=True) == ["BuildIndex"]
    collection = opened(indexed)
    assert collection.experts is None
    assert collection.search("hello number 9").hits[0].video_id == "v09.mp4"


def test_an_index_that_is_wanted_again_is_only_made_current(indexed):
    indexed.run(BuildIndex, dataset="tiny")
    trained = current(indexed.data / "store" / "index" / "tiny")
    written = {path: path.stat().st_mtime_ns for path in trained.rglob("*")}
    indexed.run(BuildIndex, dataset="tiny", untrained=True)
    assert current(trained.parent) != trained
    assert indexed.run(BuildIndex, dataset="tiny") == ["BuildIndex"]
    assert current(trained.parent) == trained
    assert {path: path.stat().st_mtime_ns for path in trained.rglob("*")} == written


def test_a_setting_of_queries_alone_builds_no_new_index(indexed):
    indexed.run(BuildIndex, dataset="tiny")
    path = indexed.configs / "search.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("offset: 60", "offset: 20"), encoding="utf-8")
    assert indexed.run(BuildIndex, dataset="tiny") == []


def test_an_empty_query_is_refused(indexed):
    ran, worked = indexed.attempt(Search, dataset="tiny", query=" ")
    assert not worked
    assert ran[-1] == "Search"


def test_the_rankings_lie_beside_the_report_and_are_made_once(indexed):
    assert indexed.run(ShowRankings, dataset="tiny") == ["ShowRankings test"]
    (page,) = indexed.data.glob("store/reports/tiny/*/*/rankings.html")
    assert (page.parent / "report.json").is_file()
    assert "rankings.html" in (page.parent / "report.html").read_text(encoding="utf-8")
    assert indexed.run(ShowRankings, dataset="tiny") == []
