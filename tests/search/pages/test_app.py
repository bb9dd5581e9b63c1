import shutil

import pytest
from fastapi.testclient import TestClient

from search import Collection
from search.index.folder import key_of
from search.pages.app import create_app
from tests.search import small_collection

HARBOUR = key_of("harbour.mp4")


@pytest.fixture(scope="module")
def client(tiny) -> TestClient:
    return TestClient(create_app(tiny), base_url="http://127.0.0.1")


def test_a_search_tells_where_to_play_why_and_what_each_expert_says(client):
    answer = client.get("/api/search", params={"q": "lighthouse", "k": 1}).json()
    (hit,) = answer["hits"]
    assert hit["video_id"] == "harbour.mp4"
    assert hit["best_s"] == 4.0
    assert hit["words"][0]["text"] == "LIGHTHOUSE"
    assert set(hit["shares"]) == set(small_collection.EXPERTS)


def test_no_path_of_this_machine_leaves_the_server(client, tiny):
    for address in ("/api/search?q=water", f"/api/videos/{HARBOUR}", f"/api/similar/{HARBOUR}", "/api/collection"):
        assert str(tiny.root) not in client.get(address).text


def test_weights_and_filters_reach_the_search(client):
    without = client.get("/api/search", params={"q": "lighthouse", "weight": "ocr_light:0"}).json()
    assert not any(hit["words"] for hit in without["hits"])
    short = client.get("/api/search", params={"q": "running", "has": "speech", "longest_s": 10}).json()
    assert "long/walk.mp4" not in {hit["video_id"] for hit in short["hits"]}


def test_a_label_is_told_on_the_hit_and_can_be_filtered_by(client):
    hits = client.get("/api/search", params={"q": "zebra", "k": 1}).json()["hits"]
    assert hits[0]["video_id"] == "meadow.mp4"
    (seen,) = hits[0]["seen"]
    assert (seen["label"], seen["expert"], round(seen["score"], 2), seen["start_s"]) == (
        "zebra",
        "rgb_light",
        0.93,
        2.0,
    )
    only = client.get("/api/search", params={"q": "water", "seen": ["teddy", "bear"]}).json()["hits"]
    assert [hit["video_id"] for hit in only] == ["kitchen.mp4"]
    told = client.get("/api/labels").json()
    assert told[0] == {"label": "zebra", "num_videos": 2}


@pytest.mark.parametrize(
    "asked",
    [
        "k=0",
        "k=101",
        "weight=ocr_light:much",
        "weight=ocr_light:nan",
        "longest_s=nan",
        "longest_s=-1",
        "q=" + "x" * 1001,
        "seen=" + "x" * 1001,
    ],
)
def test_a_question_that_makes_no_sense_is_refused(client, asked):
    assert client.get(f"/api/search?q=a&{asked}").status_code == 422


def test_a_video_is_told_with_all_its_words(client):
    answer = client.get(f"/api/videos/{HARBOUR}").json()
    assert [word["text"] for word in answer["words"]] == ["LIGHTHOUSE", "Boats", "and", "water"]


def test_similar_videos_do_not_hold_the_video_itself(client):
    hits = client.get(f"/api/similar/{HARBOUR}").json()["hits"]
    assert hits
    assert HARBOUR not in {hit["key"] for hit in hits}


def test_a_file_is_served_in_ranges(client, tiny):
    whole = (tiny.root / "harbour.mp4").read_bytes()
    some = client.get(f"/media/{HARBOUR}", headers={"Range": "bytes=10-19"})
    assert some.status_code == 206
    assert some.content == whole[10:20]
    assert some.headers["content-range"] == f"bytes 10-19/{len(whole)}"
    assert some.headers["content-type"] == "video/mp4"


@pytest.mark.parametrize(
    ("asked", "status", "first", "length"),
    [
        ("bytes=-1", 206, -1, 1),
        ("bytes=0-", 206, 0, None),
        ("bytes=-999999999", 206, 0, None),
        ("bytes=10-999999999", 206, 10, None),
        ("bytes=999999999-", 416, 0, 0),
        ("bytes=5-2", 400, 0, 0),
        ("bytes=a-b", 400, 0, 0),
    ],
)
def test_odd_ranges_give_what_they_can_and_never_more_than_the_file(client, tiny, asked, status, first, length):
    whole = (tiny.root / "harbour.mp4").read_bytes()
    some = client.get(f"/media/{HARBOUR}", headers={"Range": asked})
    assert some.status_code == status
    if status == 206:
        assert some.content == whole[first:]
        assert length in {None, len(some.content)}


@pytest.mark.parametrize(
    "key", ["harbour.mp42", "..%2f..%2fetc%2fpasswd", "%2e%2e/index.json", "../words.sqlite", "0" * 12]
)
def test_nothing_but_the_manifest_can_be_had(client, key):
    for kind in ("media", "posters", "api/videos", "static"):
        assert client.get(f"/{kind}/{key}").status_code == 404


def test_a_poster_is_a_picture_of_that_second(client):
    first = client.get(f"/posters/{HARBOUR}", params={"at_s": 0})
    later = client.get(f"/posters/{HARBOUR}", params={"at_s": 1.0})
    assert first.headers["content-type"] == "image/jpeg"
    assert first.content[:2] == b"\xff\xd8"
    assert first.content != later.content


@pytest.mark.parametrize("at_s", ["1e300", "inf", "99999"])
def test_a_poster_beyond_the_end_is_the_last_picture(client, at_s):
    last = client.get(f"/posters/{HARBOUR}", params={"at_s": 6.0})
    assert client.get(f"/posters/{HARBOUR}", params={"at_s": at_s}).content == last.content


@pytest.fixture
def alone(tmp_path) -> tuple[TestClient, Collection]:
    """A server whose files can be broken."""
    small_collection.make(tmp_path)
    small_collection.make_files(tmp_path)
    collection = small_collection.opened(tmp_path)
    app = create_app(collection)
    return TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False), collection


def test_videos_that_are_gone_or_broken_are_still_found_and_have_no_file_and_no_poster(alone):
    client, collection = alone
    (collection.root / "harbour.mp4").unlink()
    (collection.root / "street.mp4").write_bytes(b"\0" * 5000)
    assert client.get("/api/search", params={"q": "lighthouse"}).json()["hits"][0]["key"] == HARBOUR
    assert client.get(f"/media/{HARBOUR}").status_code == 404
    for key in (HARBOUR, key_of("street.mp4")):
        assert client.get(f"/posters/{key}").status_code == 404


def test_an_index_that_is_deleted_meanwhile_is_told_without_a_path(alone, tmp_path):
    client, _ = alone
    shutil.rmtree(tmp_path / "store")
    for address in ("/api/search?q=lighthouse", f"/api/similar/{HARBOUR}", f"/api/videos/{HARBOUR}"):
        answer = client.get(address)
        assert answer.status_code == 503
        assert "Run BuildIndex again" in answer.json()["detail"]
        assert str(tmp_path) not in answer.text


def test_every_answer_forbids_foreign_code(client):
    for address in ("/", "/docs", "/static/app.js", "/api/search?q=x", "/api/videos/none", "/openapi.json"):
        headers = client.get(address).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_another_sites_name_is_refused(client):
    assert client.get("/api/collection", headers={"Host": "evil.example"}).status_code == 400


def test_a_hostile_name_comes_as_data(client):
    answer = client.get("/api/search", params={"q": "bold"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["hits"][0]["video_id"].startswith("<img")


def test_the_api_is_described(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/api/search", "/api/videos/{key}", "/api/similar/{key}"} <= set(paths)


def test_without_a_model_likeness_is_refused_with_what_to_do(untrained):
    client = TestClient(create_app(untrained), base_url="http://127.0.0.1")
    answer = client.get(f"/api/similar/{HARBOUR}")
    assert answer.status_code == 409
    assert "BuildIndex" in answer.json()["detail"]
    assert client.get("/api/collection").json()["trained"] is False
    assert client.get(f"/media/{HARBOUR}").status_code == 404  # its file is not there
