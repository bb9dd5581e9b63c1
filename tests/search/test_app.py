import pytest
from fastapi.testclient import TestClient

from search.app import create_app
from search.folder import key_of
from tests.search import small

HARBOUR = key_of("harbour.mp4")


@pytest.fixture(scope="module")
def client(tiny) -> TestClient:
    return TestClient(create_app(tiny), base_url="http://127.0.0.1")


def test_a_search_tells_where_to_play_why_and_what_each_expert_says(client):
    told = client.get("/api/search", params={"q": "lighthouse", "k": 1}).json()
    (hit,) = told["hits"]
    assert hit["video_id"] == "harbour.mp4"
    assert hit["best_s"] == 4.0
    assert hit["words"][0]["text"] == "LIGHTHOUSE"
    assert set(hit["shares"]) == set(small.EXPERTS)


def test_no_path_of_this_machine_leaves_the_server(client, tiny):
    for address in ("/api/search?q=water", f"/api/videos/{HARBOUR}", f"/api/similar/{HARBOUR}", "/api/collection"):
        assert str(tiny.root) not in client.get(address).text


def test_weights_and_filters_reach_the_search(client):
    without = client.get("/api/search", params={"q": "lighthouse", "weight": "ocr_light:0"}).json()
    assert not any(hit["words"] for hit in without["hits"])
    short = client.get("/api/search", params={"q": "running", "has": "speech", "longest_s": 10}).json()
    assert "long/walk.mp4" not in {hit["video_id"] for hit in short["hits"]}


@pytest.mark.parametrize("asked", ["k=0", "k=101", "weight=ocr_light:much", "longest_s=-1", "q=" + "x" * 1001])
def test_a_question_that_makes_no_sense_is_refused(client, asked):
    assert client.get(f"/api/search?q=a&{asked}").status_code == 422


def test_a_video_is_told_with_all_its_words(client):
    told = client.get(f"/api/videos/{HARBOUR}").json()
    assert [word["text"] for word in told["words"]] == ["LIGHTHOUSE", "Boats", "and", "water"]


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
