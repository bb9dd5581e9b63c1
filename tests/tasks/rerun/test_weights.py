"""What runs again when a file of weights arrives, is replaced, or is gone, where its YAML names no checksum."""

import hashlib
import os

import pytest

from tests.pipeline.http_server import serve
from tests.tasks.project import collect_garbage
from tests.tasks.rerun.stages import EVALUATE, TEXT, TRAIN, evaluate

ONE = "2 3\nred 1 0 0\nsquare 0 1 0\n"
OTHER = "2 3\nred 0 0 1\nsquare 0 1 0\n"


@pytest.fixture
def server():
    with serve() as server:
        server.files |= {"a/v.vec": ONE.encode(), "b/v.vec": OTHER.encode()}
        yield server


@pytest.fixture
def learned(project, server):
    """The project with word vectors that lie on a server, and the path at which they are cached."""
    name_words(project, f"{server.url}/a/v.vec")
    project.edit("models", "tiny", text="learned")
    return project


def name_words(project, url, **more):
    params = {"source": "file", "dim": 3}
    weights = {"words": {"url": url, "place": "v.vec"} | more}
    project.write_config("text", "learned", {"encoder": "word_vectors", "params": params, "weights": weights})


def recipes(project):
    return {path.name for path in (project.data / "store" / "text" / "learned").iterdir()}


def test_the_content_is_in_the_recipe_of_the_run_that_fetches_it_and_of_the_next(learned):
    assert evaluate(learned) == ["FetchWeights", *TEXT, *TRAIN, *EVALUATE]
    made = recipes(learned)
    assert len(made) == 1
    assert evaluate(learned) == []
    name_words(learned, "http://nowhere.invalid/v.vec", sha256=hashlib.sha256(ONE.encode()).hexdigest())
    assert evaluate(learned) == [], "a checksum that is written out, and an address that has moved"
    assert recipes(learned) == made


def test_a_file_replaced_in_place_runs_what_was_made_with_it_and_one_that_is_put_back_nothing(learned):
    evaluate(learned)
    path = learned.data / "weights" / "v.vec"
    before = path.stat()
    other = path.with_name("other")
    other.write_text(OTHER)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)
    assert evaluate(learned) == [*TEXT, *TRAIN, *EVALUATE]
    path.write_text(ONE)
    assert evaluate(learned) == []


def test_a_file_that_is_gone_is_fetched_only_where_something_is_to_be_made(learned, server):
    evaluate(learned)
    (learned.data / "weights" / "v.vec").unlink()
    assert evaluate(learned) == []
    server.files["a/v.vec"] = OTHER.encode()
    learned.edit("models", "tiny", training__epochs=3)
    assert evaluate(learned) == [*TRAIN, *EVALUATE]


def test_a_cache_that_is_gone_costs_a_download_and_no_result(learned, capsys):
    import shutil

    evaluate(learned)
    shutil.rmtree(learned.data / "weights")
    made = learned.results()
    assert collect_garbage(learned, capsys, delete=True)[1] >= {path for path in made if "/text/" in f"/{path}"}
    assert evaluate(learned)[0] == "FetchWeights"
    assert len(recipes(learned)) == 1


def test_two_hosts_with_files_of_one_name_give_two_results(learned, server):
    for folder in "ab":
        params = {"source": "file", "dim": 3}
        weights = {"words": {"url": f"{server.url}/{folder}/v.vec"}}
        learned.write_config("text", "learned", {"encoder": "word_vectors", "params": params, "weights": weights})
        assert evaluate(learned) == ["FetchWeights", *TEXT, *TRAIN, *EVALUATE]
    assert len(recipes(learned)) == 2


def test_who_runs_it_is_told_in_one_line(learned):
    _, output, _ = learned.run_command("EvaluateCE", "--dataset", "tiny")
    line = "text/learned: no checksum of its weights (words): what the server sends is taken; pin each file under"
    assert " ".join(output.split()).count(line) == 1
