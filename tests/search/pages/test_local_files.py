import subprocess

import pytest
from fastapi.testclient import TestClient

from search.index.folder import key_of
from search.pages import local_files
from search.pages.app import create_app
from search.pages.collection_page import Served
from search.pages.local_files import WRITING, LocalRights

HARBOUR = key_of("harbour.mp4")
ALL = LocalRights(is_local=True, may_open=True)
ASKED = {WRITING: "1"}


def client_of(collection, rights=ALL, address="127.0.0.1") -> TestClient:
    app = create_app(collection, served=Served(rights))
    return TestClient(app, base_url="http://127.0.0.1", client=(address, 50_000))


@pytest.fixture
def started(monkeypatch):
    """The commands that were started, in place of starting them."""
    commands = []

    class Started:
        def __init__(self, command, **_):
            commands.append(command)

        def wait(self):
            return 0

    monkeypatch.setattr(subprocess, "Popen", Started)
    monkeypatch.setattr(local_files.sys, "platform", "linux")
    return commands


def test_the_person_at_the_machine_is_told_the_path_and_can_open_the_folder(tiny, started):
    client = client_of(tiny)
    assert client.get("/api/rights").json() == {"is_local": True, "may_open": True}
    assert client.get(f"/api/videos/{HARBOUR}/place").json() == {"path": str(tiny.root / "harbour.mp4")}
    assert client.post(f"/api/videos/{HARBOUR}/open", headers=ASKED).status_code == 204
    assert started == [["xdg-open", str(tiny.root)]]


@pytest.mark.parametrize(
    ("address", "headers", "rights"),
    [
        ("192.0.2.7", {}, ALL),
        ("::ffff:192.0.2.7", {}, ALL),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, ALL),
        ("127.0.0.1", {"Via": "1.1 proxy"}, ALL),
        ("testclient", {}, ALL),
        ("127.0.0.1", {}, LocalRights()),
    ],
)
def test_nobody_else_is_told_a_path_or_opens_anything(tiny, started, address, headers, rights):
    client = client_of(tiny, rights, address)
    assert client.get(f"/api/videos/{HARBOUR}/place", headers=headers).json() == {"path": "harbour.mp4"}
    assert client.post(f"/api/videos/{HARBOUR}/open", headers=headers | ASKED).status_code == 403
    assert started == []


def test_a_page_of_another_site_cannot_open_a_folder(tiny, started):
    # It can send such a POST, but not with a header of its own.
    assert client_of(tiny).post(f"/api/videos/{HARBOUR}/open").status_code == 403
    assert client_of(tiny).get(f"/api/videos/{HARBOUR}/open", headers=ASKED).status_code == 405
    assert started == []


def test_no_open_forbids_it_and_the_path_is_told_all_the_same(tiny, started):
    client = client_of(tiny, LocalRights(is_local=True, may_open=False))
    assert client.post(f"/api/videos/{HARBOUR}/open", headers=ASKED).status_code == 403
    assert client.get(f"/api/videos/{HARBOUR}/place").json()["path"].endswith("harbour.mp4")
    assert started == []


def test_a_video_without_a_file_has_no_folder_to_open(tiny, untrained, started):
    assert client_of(untrained).post(f"/api/videos/{HARBOUR}/open", headers=ASKED).status_code == 404
    assert client_of(tiny).post("/api/videos/none/open", headers=ASKED).status_code == 404
    assert started == []


def test_a_machine_without_a_file_manager_says_so(tiny, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    answer = client_of(tiny).post(f"/api/videos/{HARBOUR}/open", headers=ASKED)
    assert answer.status_code == 409
    assert "no file manager" in answer.json()["detail"]
