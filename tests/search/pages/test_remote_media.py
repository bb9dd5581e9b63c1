"""A video that lies elsewhere is played through the server, by ranges, and its address stays there."""

import io
import tarfile

import pyarrow as pa
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from pyarrow import parquet

from pipeline.remote_files import reader
from pipeline.remote_files.look import refresh
from pipeline.remote_files.places import folder_of
from search.pages.remote_media import media_response
from tests.remote_folder import RANGES, WHOLE, remote_folder

CONTENT = bytes(range(256)) * 40


def in_a_tar(tmp_path):
    with tarfile.open(tmp_path / "s.tar", "w") as tar:
        header = tarfile.TarInfo("v.mp4")
        header.size = len(CONTENT)
        tar.addfile(header, io.BytesIO(CONTENT))
    return _listed(tmp_path / "s.tar", tmp_path) / "s" / "v.mp4"


def in_a_table(tmp_path):
    column = pa.array([{"bytes": b"another", "path": "u.mp4"}, {"bytes": CONTENT, "path": "v.mp4"}])
    parquet.write_table(pa.table({"video": column}), tmp_path / "t.parquet")
    return _listed(tmp_path / "t.parquet", tmp_path) / "t" / "v.mp4"


def _listed(source, tmp_path):
    folder = folder_of(str(source), tmp_path / "data", WHOLE)
    refresh(folder, [])
    return folder


@pytest.fixture(params=[WHOLE, RANGES, in_a_tar, in_a_table], ids=["whole", "by ranges", "tar", "table"])
def client(request, web_server, tmp_path, monkeypatch):
    """Asks for the video v.mp4."""
    monkeypatch.setattr(reader, "BLOCK_BYTES", 1000)
    (web_server.folder / "v.mp4").write_bytes(CONTENT)
    packed = callable(request.param)
    path = request.param(tmp_path) if packed else remote_folder(web_server, tmp_path, request.param) / "v.mp4"
    app = FastAPI()

    @app.get("/media")
    def media(request: Request):
        return media_response(path, request.headers.get("range", ""))

    return TestClient(app)


@pytest.mark.parametrize(
    ("asked", "status", "first", "last"),
    [
        ("bytes=0-0", 206, 0, 0),
        ("bytes=500-2499", 206, 500, 2499),
        ("bytes=10000-", 206, 10_000, 10_239),
        ("bytes=-5", 206, 10_235, 10_239),
        ("bytes=10000-99999", 206, 10_000, 10_239),
        ("", 200, 0, 10_239),
    ],
)
def test_a_range_is_answered_as_rfc_9110_says(client, asked, status, first, last):
    answer = client.get("/media", headers={"Range": asked} if asked else {})
    assert (answer.status_code, answer.content) == (status, CONTENT[first : last + 1])
    assert answer.headers["Content-Type"] == "video/mp4" and answer.headers["Accept-Ranges"] == "bytes"
    if status == 206:
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(CONTENT)}"


def test_a_range_behind_the_end_is_none(client):
    answer = client.get("/media", headers={"Range": "bytes=99999-"})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"].endswith(f"*/{len(CONTENT)}")


def test_only_what_is_played_is_asked_for(web_server, tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "BLOCK_BYTES", 1000)
    (web_server.folder / "v.mp4").write_bytes(CONTENT)
    path = remote_folder(web_server, tmp_path, RANGES) / "v.mp4"
    web_server.requests.clear()
    app = FastAPI()
    app.get("/media")(lambda: media_response(path, "bytes=5100-5199"))
    assert TestClient(app).get("/media").content == CONTENT[5100:5200]
    assert web_server.sent() == 1000


def test_a_server_that_does_not_send_it_is_told_without_its_address(client, web_server):
    web_server.faults["v.mp4"] = {"404"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.remote_files.files._found", _refused)
        answer = client.get("/media")
    assert answer.status_code == 502
    assert web_server.address not in answer.text and "127.0.0.1" not in answer.text


def _refused(path):
    from pipeline.errors import RemoteError

    raise RemoteError("http://127.0.0.1/v.mp4: the server answers 404")
