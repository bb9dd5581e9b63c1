import sqlite3

import pytest
from fastapi.testclient import TestClient

from search.pages.app import create_app
from search.pages.collection_page import Served
from search.pages.local_files import WRITING, LocalRights
from tests.search import small_collection


@pytest.mark.parametrize("video_id", ["../secret.mp4", "/etc/passwd", "a/../../secret.mp4"])
def test_an_index_with_a_hostile_id_leads_to_no_file_outside_of_the_folder(tmp_path, video_id):
    index = small_collection.make(tmp_path)
    small_collection.make_files(tmp_path)
    (tmp_path / "videos" / "harbour.mp4").rename(tmp_path / "secret.mp4")
    with sqlite3.connect(index / "videos.sqlite") as database:
        database.execute("UPDATE videos SET video_id = ? WHERE video_id = 'harbour.mp4'", (video_id,))
        ((key,),) = database.execute("SELECT key FROM videos WHERE video_id = ?", (video_id,)).fetchall()
    database.close()
    collection = small_collection.opened(tmp_path)
    served = Served(LocalRights(is_local=True, may_open=True))
    client = TestClient(create_app(collection, served=served), base_url="http://127.0.0.1", client=("127.0.0.1", 1))
    for address in ("", "/play", "/playback", "/segments/0", "/clip?from_s=0&to_s=1"):
        assert client.get(f"/media/{key}{address}").status_code == 404
    assert client.get(f"/posters/{key}").status_code == 404
    assert client.post(f"/api/videos/{key}/open", headers={WRITING: "1"}).status_code == 404
    assert client.get(f"/api/videos/{key}/place").json()["path"].startswith(str(tmp_path / "videos"))
    assert client.get("/api/search", params={"q": "lighthouse"}).json()["hits"][0]["key"] == key
    assert collection.search("lighthouse").hits[0].path.is_relative_to(tmp_path / "videos")
    assert client.get(f"/api/similar/{key}").status_code == 200
