import io

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from search.pages.app import create_app
from tests.search import small_collection
from tests.search.example_collection import PEOPLE

OURS = {"X-Expert-Retrieval": "1"}


@pytest.fixture
def client(planted):
    return TestClient(create_app(planted), base_url="http://127.0.0.1")


@pytest.fixture
def on(client):
    assert client.put("/api/people", params={"on": True}, headers=OURS).status_code == 200
    return client


def test_nothing_is_known_before_people_are_switched_on(client):
    told = client.get("/api/people").json()
    assert told == {"is_on": False, "is_possible": True, "expert": "face", "num_people": 0, "people": []}
    assert client.get("/api/people/0/face").status_code == 404


def test_people_are_told_with_their_faces_and_videos(on):
    told = on.get("/api/people").json()
    assert [(one["num_faces"], one["num_videos"]) for one in told["people"]] == [(3, 3), (2, 2), (1, 1)]
    assert told["num_people"] == len({who for seen in PEOPLE.values() for who in seen})


def test_a_named_person_is_searched_and_shown_first(on):
    assert on.put("/api/people/2", content="Zoë\n", headers=OURS).status_code == 204
    told = on.get("/api/people").json()["people"]
    assert [one["name"] for one in told] == ["Zoë", "", ""]
    found = on.get("/api/search", params={"q": "who: zoë"}).json()["hits"]
    assert [hit["video_id"] for hit in found] == ["clip3.mp4"]
    assert list(found[0]["found_by"]) == ["people"]


def test_the_face_is_cut_out_of_its_frame(on):
    answer = on.get("/api/people/0/face")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "no-store"
    assert max(Image.open(io.BytesIO(answer.content)).size) <= 160
    assert on.get("/api/people/99/face").status_code == 404


def test_deleting_leaves_no_file_and_no_name(on, planted):
    on.put("/api/people/0", content="Ann", headers=OURS)
    told = on.delete("/api/people", headers=OURS).json()
    assert (told["is_on"], told["people"], planted.people.file.exists()) == (False, [], False)
    assert on.get("/api/people/0/face").status_code == 404


def test_another_site_changes_nothing(on):
    for answer in (
        on.put("/api/people", params={"on": False}),
        on.delete("/api/people"),
        on.put("/api/people/0", content="Eve"),
    ):
        assert answer.status_code == 403
    told = on.get("/api/people").json()
    assert told["is_on"]
    assert {one["name"] for one in told["people"]} == {""}


@pytest.mark.parametrize(
    ("body", "status"), [(b"x" * 81, 404), (b"x" * 5000, 413), (b"\xff\xfe", 422), (b"a\x00b", 404)]
)
def test_what_is_no_name_is_one_line(on, body, status):
    answer = on.put("/api/people/0", content=body, headers=OURS)
    assert answer.status_code == status
    assert "\n" not in answer.json()["detail"]
    assert {one["name"] for one in on.get("/api/people").json()["people"]} == {""}


def test_a_hostile_name_comes_back_as_data(on):
    on.put("/api/people/0", content=small_collection.HOSTILE, headers=OURS)
    assert on.get("/api/people").json()["people"][0]["name"] == small_collection.HOSTILE


def test_a_collection_without_faces_cannot_be_switched_on(untrained):
    client = TestClient(create_app(untrained), base_url="http://127.0.0.1")
    assert client.get("/api/people").json()["is_possible"] is False
    answer = client.put("/api/people", params={"on": True}, headers=OURS)
    assert answer.status_code == 404
    assert "sees faces" in answer.json()["detail"]
