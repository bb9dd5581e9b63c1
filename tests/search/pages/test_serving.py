"""A server whose collection is built anew while it runs."""

import shutil
import threading
import types

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from pipeline import project
from pipeline.errors import StoreError
from search.index import folder
from search.pages import serving
from search.pages.local_files import NO_RIGHTS
from search.pages.serving import Live, live, several
from tests.search import small_collection
from tests.search.small_collection import CLIPS


def app_that_says(text: str, begun: threading.Event | None = None, wait: threading.Event | None = None) -> FastAPI:
    app = FastAPI()

    @app.get("/")
    def say() -> str:
        if begun and wait:
            begun.set()
            wait.wait(20)
        return text

    app.state.num_videos = len(text)
    return app


def test_a_new_index_is_served_and_the_one_that_stays_is_not_opened_again(tmp_path):
    opened, current = [], [tmp_path / "a"]
    live_app = Live(
        lambda: current[0], lambda: opened.append(current[0].name) or app_that_says(current[0].name), check_s=0
    )
    with TestClient(live_app) as client:
        assert [client.get("/").json() for _ in range(3)] == ["a", "a", "a"]
        current[0] = tmp_path / "b"
        assert client.get("/").json() == "b"
        current[0] = None  # while an index is being replaced
        assert client.get("/").json() == "b"
    assert opened == ["a", "b"]


def test_a_request_in_progress_is_answered_by_the_index_it_began_with(tmp_path):
    begun, released, current = threading.Event(), threading.Event(), [tmp_path / "a"]
    apps = {"a": app_that_says("a", begun, released), "b": app_that_says("b")}
    live_app = Live(lambda: current[0], lambda: apps[current[0].name], check_s=0)
    got = []
    with TestClient(live_app) as client:
        slow = threading.Thread(target=lambda: got.append(client.get("/").json()))
        slow.start()
        assert begun.wait(20)
        current[0] = tmp_path / "b"
        assert client.get("/").json() == "b"
        released.set()
        slow.join(20)
    assert got == ["a"]


def test_one_that_cannot_be_opened_leaves_the_one_before_it_in_use(tmp_path):
    current, tries = [tmp_path / "a"], []

    def make():
        tries.append(current[0].name)
        if current[0].name == "broken":
            raise StoreError("it is damaged")
        return app_that_says(current[0].name)

    live_app = Live(lambda: current[0], make, check_s=0)
    with TestClient(live_app) as client:
        current[0] = tmp_path / "broken"
        assert [client.get("/").json() for _ in range(3)] == ["a", "a", "a"]
    assert tries == ["a", "broken"]  # not at each request again


@pytest.fixture
def place(tmp_path):
    small_collection.make(tmp_path)
    small_collection.make_files(tmp_path)
    (tmp_path / "luigi.cfg").write_text(f"[Paths]\ndata = {tmp_path}\nconfigs = {tmp_path / 'configs'}\n")
    return project.load(data=tmp_path, configs=tmp_path / "configs")


def test_what_build_index_publishes_is_found_without_a_restart(place, tmp_path, monkeypatch):
    monkeypatch.setattr("search.pages.serving.CHECK_S", 0.0)
    collections = {"tiny": live(place, "tiny", ("tiny",), ("*",), NO_RIGHTS)}
    with TestClient(several(collections)) as client:
        assert client.get("/api/collection").json()["num_videos"] == len(CLIPS)
        shutil.rmtree(tmp_path / "run")
        shutil.rmtree(tmp_path / "store" / "features")
        shutil.rmtree(tmp_path / "text")
        before = folder.current(tmp_path / "store" / "index" / "tiny")
        small_collection.make(tmp_path, CLIPS[:4], has_model=False)
        assert folder.current(tmp_path / "store" / "index" / "tiny") != before
        for page in ("/", "/c/tiny/"):
            assert client.get(f"{page}api/collection").json()["num_videos"] == 4
    assert collections["tiny"].num_videos == 4


def test_what_reads_a_query_is_loaded_before_somebody_asks(tmp_path, monkeypatch):
    asked, collection = threading.Event(), types.SimpleNamespace(facts=types.SimpleNamespace(num_videos=3))
    collection.search = lambda query: asked.set()
    monkeypatch.setattr(serving.Collection, "of_project", lambda place, dataset: collection)
    monkeypatch.setattr(serving, "create_app", lambda *_: FastAPI())
    place = types.SimpleNamespace(store=tmp_path, data=tmp_path)
    assert serving.live(place, "tiny", ("tiny",), ("localhost",), NO_RIGHTS).num_videos == 3
    assert asked.wait(20)
