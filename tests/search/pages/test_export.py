import csv
import io
import json

import pytest
from fastapi.testclient import TestClient

from search.index.folder import key_of
from search.pages.app import create_app
from search.pages.export import COLUMNS, cell
from tests.search.small_collection import HOSTILE


@pytest.fixture(scope="module")
def client(tiny) -> TestClient:
    return TestClient(create_app(tiny), base_url="http://127.0.0.1")


def rows(answer) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_a_spreadsheet_reads_the_list_that_the_page_shows(client):
    shown = client.get("/api/search", params={"q": "water"}).json()["hits"]
    head, *lines = rows(client.get("/api/export", params={"q": "water"}))
    assert head == list(COLUMNS)
    assert [line[1] for line in lines] == [cell(hit["video_id"]) for hit in shown]
    assert [float(line[2]) for line in lines] == pytest.approx([hit["best_s"] for hit in shown], abs=0.01)
    assert [line[0] for line in lines] == [str(1 + rank) for rank in range(len(shown))]


def test_json_is_what_the_api_answers(client):
    answer = client.get("/api/export", params={"q": "water", "format": "json", "most": 2})
    assert answer.headers["content-disposition"].endswith("tiny%20-%20water.json")
    assert [hit["key"] for hit in json.loads(answer.content)["hits"]] == [
        hit["key"] for hit in client.get("/api/search", params={"q": "water", "k": 2}).json()["hits"]
    ]


def test_what_is_like_a_video_and_filters_are_kept_too(client):
    similar = rows(client.get("/api/export", params={"similar": key_of("harbour.mp4")}))
    assert len(similar) > 1 and "harbour.mp4" not in {line[1] for line in similar}
    assert [line[1] for line in rows(client.get("/api/export", params={"q": "water", "seen": ["teddy", "bear"]}))][
        1:
    ] == ["kitchen.mp4"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=cmd|'/c calc'!A1"])
def test_no_name_becomes_a_formula(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["a.mp4", "1 = 2", "", HOSTILE, "a\n=b"])
def test_a_name_that_is_none_stays_as_it_is(text):
    assert cell(text) == text


@pytest.mark.parametrize(
    "asked", [{}, {"q": "a", "similar": "b"}, {"q": "a", "format": "xls"}, {"q": "a", "most": 1001}]
)
def test_a_question_that_makes_no_sense_is_refused(client, asked):
    assert client.get("/api/export", params=asked).status_code == 422
