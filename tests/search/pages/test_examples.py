import io

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from search.index.folder import key_of
from search.pages import examples
from search.pages.app import create_app
from tests.search.engines.test_example_files import bomb, workers
from tests.search.example_collection import CLIPS

OURS = {"X-Expert-Retrieval": "1", "Content-Type": "image/png"}


@pytest.fixture
def client(planted):
    return TestClient(create_app(planted), base_url="http://127.0.0.1")


def png(number: int) -> bytes:
    held = io.BytesIO()
    Image.fromarray(CLIPS[number].picture(9)).save(held, "PNG")
    return held.getvalue()


def send(client, body, headers=OURS, **told):
    return client.post("/api/example", content=body, headers=headers, params=told)


def test_a_picture_that_is_sent_is_answered_and_can_be_asked_for_again(client):
    sent = send(client, png(3), name="red.png", k=2).json()
    assert (sent["query"], sent["hits"][0]["video_id"]) == ("red.png", "clip3.mp4")
    assert len(sent["hits"]) <= 2
    again = client.get(f"/api/example/{sent['example']}", params={"k": 2}).json()
    assert again == sent
    second = client.get(f"/api/example/{sent['example']}", params={"k": 1, "offset": 1, "weight": "rgb_light:2"}).json()
    assert [hit["key"] for hit in second["hits"]] == [hit["key"] for hit in sent["hits"][1:]]


def test_filters_and_wrong_options_are_as_in_a_search(client):
    example = send(client, png(3)).json()["example"]
    assert client.get(f"/api/example/{example}", params={"longest_s": 0.1}).json()["reason"]
    assert client.get(f"/api/example/{example}", params={"weight": "x"}).status_code == 422
    assert client.get(f"/api/example/{example}", params={"weight": "nobody:2"}).status_code == 422
    assert client.get(f"/api/example/{example}", params={"has": "nothing"}).status_code == 422


def test_a_moment_is_named_by_its_video_and_second(client):
    key = key_of("clip0.mp4")
    whole = client.get(f"/api/example/{key}@1.5").json()
    assert (whole["query"], whole["hits"][0]["video_id"]) == ("clip0.mp4 at 0:01", "clip0.mp4")
    face = client.get(f"/api/example/{key}@1.5@face").json()
    assert {hit["video_id"] for hit in face["hits"]} == {"clip0.mp4", "clip2.mp4"}
    assert face["notes"] == ["Answered by face."]
    nobody = client.get(f"/api/example/{key_of('clip7.mp4')}@0@face")
    assert (nobody.status_code, nobody.json()["detail"][:33]) == (422, "No expert of modality face saw an")


def test_a_picture_without_a_face_says_so_where_the_face_alone_is_asked_for(client):
    example = send(client, png(3)).json()["example"]
    assert client.get(f"/api/example/{example}@rgb").status_code == 200
    assert "modality face" in client.get(f"/api/example/{example}@face").json()["detail"]


@pytest.mark.parametrize("name", ["0" * 16, "x", "..%2F..%2Fetc", "0" * 16 + "@9999999", "0" * 16 + "@1@2", "a@b@c@d"])
def test_an_example_that_is_not_there_is_404(client, name):
    answer = client.get(f"/api/example/{name}")
    assert answer.status_code == 404
    assert "\n" not in answer.json()["detail"]


def test_a_video_that_is_not_there_is_404(client):
    assert client.get(f"/api/example/{'0' * 16}@1").status_code == 404


def test_another_site_cannot_send_an_example(client):
    for headers in ({}, {"X-Expert-Retrieval": "0"}, {"Content-Type": "multipart/form-data"}):
        answer = send(client, png(0), headers)
        assert (answer.status_code, "X-Expert-Retrieval" in answer.json()["detail"]) == (403, True)


def test_what_is_too_large_is_refused_whether_it_says_so_or_not(client, monkeypatch):
    monkeypatch.setattr(examples, "MOST_BYTES", 10_000)

    def blocks():
        for _ in range(20):
            yield bytes(1000)

    for body in (bytes(10_001), blocks()):
        answer = send(client, body)
        assert answer.status_code == 413
        assert "MB at most" in answer.json()["detail"]
    assert send(client, b"", OURS | {"Content-Length": "1" * 40}).status_code in {400, 413}


def test_a_hundred_megabytes_are_refused_by_their_head(client):
    answer = send(client, b"x", OURS | {"Content-Length": str(100 * 2**20)})
    assert answer.status_code == 413


HOSTILE = {
    "empty": (b"", 422),
    "text": (b"<script>alert(1)</script>", 415),
    "bomb": (bomb(100_000, 100_000), 415),
    "truncated": (png(1)[:300], 415),
    "noise": (np.random.default_rng(1).bytes(4000), 415),
}


@pytest.mark.parametrize(("body", "status"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_example_is_one_line_of_a_mistake_and_leaves_nothing(client, body, status, tmp_path, monkeypatch):
    monkeypatch.setattr(examples.tempfile, "tempdir", str(tmp_path))
    before = workers()
    answer = send(client, body)
    assert answer.status_code == status
    told = answer.json()["detail"]
    assert "\n" not in told
    assert str(tmp_path) not in told
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == [], "the temporary file is gone"
    assert workers() <= before
    assert send(client, png(0)).status_code == 200, "and the next one is answered"


def test_of_many_examples_the_last_ones_are_kept(client, monkeypatch):
    monkeypatch.setattr(examples, "MOST_KEPT", 2)
    first, second, third = (send(client, png(number)).json()["example"] for number in range(3))
    assert client.get(f"/api/example/{first}").status_code == 404
    assert client.get(f"/api/example/{second}").status_code == client.get(f"/api/example/{third}").status_code == 200


def test_when_too_many_are_being_read_the_next_one_is_told_to_wait(planted, monkeypatch):
    monkeypatch.setattr(examples, "MOST_WAITING", 0)
    client = TestClient(create_app(planted), base_url="http://127.0.0.1")
    answer = send(client, png(0))
    assert (answer.status_code, "try again" in answer.json()["detail"]) == (503, True)


def test_a_body_that_does_not_arrive_is_given_up(client, monkeypatch):
    monkeypatch.setattr(examples, "UPLOAD_S", 0.0)
    answer = send(client, png(0))
    assert (answer.status_code, "did not arrive" in answer.json()["detail"]) == (408, True)


def test_what_no_expert_answers_is_422(untrained):
    client = TestClient(create_app(untrained), base_url="http://127.0.0.1")
    answer = send(client, png(0))
    assert answer.status_code == 422
    assert "No expert of this collection can answer this picture" in answer.json()["detail"]
