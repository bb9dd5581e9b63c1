import pytest
from fastapi.testclient import TestClient

from search.engines.fusion import CANDIDATES
from search.index.folder import key_of
from search.pages.app import create_app


@pytest.fixture(scope="module")
def client(tiny) -> TestClient:
    return TestClient(create_app(tiny), base_url="http://127.0.0.1")


def test_pages_are_the_list_cut_in_pieces(client):
    whole = client.get("/api/search", params={"q": "water", "k": 100}).json()
    assert whole["num_found"] == whole["num_ranked"] == len(whole["hits"]) > 1
    pages = [client.get("/api/search", params={"q": "water", "k": 1, "offset": at}).json() for at in range(9)]
    assert [hit for page in pages for hit in page["hits"]] == whole["hits"]
    assert [page["offset"] for page in pages] == list(range(9))
    assert {page["num_found"] for page in pages} == {whole["num_found"]}
    assert {page["reason"] for page in pages} == {""}


@pytest.mark.parametrize("asked", ["offset=-1", f"offset={CANDIDATES + 1}", "offset=a"])
def test_a_page_that_cannot_be_is_refused(client, asked):
    assert client.get(f"/api/search?q=water&{asked}").status_code == 422


@pytest.mark.parametrize("path", ["search?q=water&", f"similar/{key_of('harbour.mp4')}?"])
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("weight=ocr_lihgt:0", "'ocr_lihgt' is not an expert of tiny (did you mean 'ocr_light'? there are: ocr_light"),
        ("has=spech", "'spech' is not a modality of tiny (did you mean 'speech'? there are: ocr, rgb, speech)"),
        ("weight=:2", "'' is not an expert of tiny"),
        ("second_stage=late_interaction", "'late_interaction' is not a second stage of tiny (there are: none)"),
    ],
)
def test_a_name_that_is_unknown_is_told_with_the_nearest_and_all_that_there_are(client, path, asked, told):
    answer = client.get(f"/api/{path}{asked}")
    assert answer.status_code == 422
    assert told in answer.json()["detail"]


def test_moments_come_with_each_hit(client):
    (hit,) = client.get("/api/search", params={"q": "lighthouse", "k": 1}).json()["hits"]
    words = [one for one in hit["moments"] if one["engine"] == "words"]
    assert words == [
        {"engine": "words", "expert": "ocr_light", "start_s": 4.0, "end_s": 4.5, "score": None, "text": "LIGHTHOUSE"}
    ]
