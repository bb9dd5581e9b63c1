"""Clips, the pieces of files that captions name: found, shown, played, cut out and exported by their own seconds."""

import csv
import io
import json

import av
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from search.index import sqlite
from search.index.folder import key_of
from search.pages.app import create_app
from search.results import Answer
from tests.clips import make_clip, number_in
from tests.search import small_collection
from tests.search.browser import served
from tests.search.chromium import LONGEST_S
from tests.search.small_collection import Clip

FPS = 10
FILM, OLD = "sub/film.mp4", "old.avi"
BAKERY, HARBOR = "middle", f"{FILM}#t=20,26.5"
CLIPS = (
    Clip(BAKERY, sign={"BAKERY": 1.0}, duration_s=4.0, clip_of=FILM, start_s=10.0, colour=(0, 1, 0)),
    Clip(HARBOR, speech={"harbor": 2.0}, duration_s=6.5, clip_of=FILM, start_s=20.0),
    Clip("older", sign={"STATION": 0.5}, duration_s=5.5, clip_of=OLD, start_s=21.0, colour=(1, 0, 0)),
    Clip("whole.mp4", sign={"WHOLE": 1.0}, duration_s=3.0),
)


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    root = tmp_path_factory.mktemp("clips")
    small_collection.make(root, CLIPS)
    make_clip(root / "videos" / FILM, seconds=30, fps=FPS)
    make_clip(root / "videos" / OLD, seconds=30, fps=FPS, codec="mpeg4", sound_codec="mp3")
    make_clip(root / "videos" / "whole.mp4", seconds=3, fps=FPS)
    return small_collection.opened(root)


@pytest.fixture(scope="module")
def client(collection):
    return TestClient(create_app(collection), base_url="http://127.0.0.1")


def only_hit(answer: Answer):
    (hit,) = [hit for hit in answer.hits if "words" in hit.found_by]
    return hit


def test_a_hit_says_which_seconds_of_which_file_it_is(collection):
    hit = only_hit(collection.search("harbor"))
    assert (hit.video_id, hit.file, hit.start_s, hit.end_s, hit.duration_s) == (HARBOR, FILM, 20.0, 26.5, 6.5)
    assert hit.best_s == 2.0, "from its start on"
    assert hit.path == collection.root / FILM
    whole = only_hit(collection.search("whole"))
    assert (whole.file, whole.start_s, whole.end_s) == ("whole.mp4", 0.0, 3.0)


def test_it_is_told_by_the_api_and_in_the_lists_that_are_kept(client):
    (hit,) = [hit for hit in client.get("/api/search?q=bakery").json()["hits"] if "words" in hit["found_by"]]
    assert (hit["video_id"], hit["file"], hit["start_s"], hit["end_s"]) == (BAKERY, FILM, 10.0, 14.0)
    (row, *_) = csv.DictReader(io.StringIO(client.get("/api/export?q=bakery").text.removeprefix("\ufeff")))
    assert (row["video"], row["file"], row["start_s"], row["end_s"]) == (BAKERY, FILM, "10.0", "14.0")
    kept = json.loads(client.get("/api/export?q=bakery&format=json").text)["hits"][0]
    assert (kept["file"], kept["start_s"]) == (FILM, 10.0)
    facts = client.get(f"/api/videos/{key_of(BAKERY)}").json()
    assert (facts["clip_of"], facts["start_s"], facts["duration_s"]) == (FILM, 10.0, 4.0)


def test_an_index_without_clips_is_as_it_always_was(tmp_path):
    path = small_collection.make(tmp_path, CLIPS[3:])
    assert sqlite.query(path / "videos.sqlite", "SELECT name FROM sqlite_master WHERE name = 'clips'", ()) == []
    assert small_collection.opened(tmp_path).entry("whole.mp4").clip_of == ""


@pytest.mark.parametrize(
    ("name", "at_s", "first", "last"), [(BAKERY, 0, 100, 140), (BAKERY, 3.9, 100, 140), (HARBOR, 99, 200, 265)]
)
def test_its_picture_is_one_of_its_own(client, name, at_s, first, last):
    answer = client.get(f"/posters/{key_of(name)}?at_s={at_s}")
    assert first <= number_in(np.asarray(Image.open(io.BytesIO(answer.content)))) < last


def test_a_clip_that_is_kept_begins_at_its_second_of_the_file(client):
    answer = client.get(f"/media/{key_of(BAKERY)}/clip?from_s=1&to_s=2")
    assert "film%2011.0-12.0%20s.mp4" in answer.headers["content-disposition"]
    with av.open(io.BytesIO(answer.content)) as container:
        shown = [number_in(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    assert 110 in shown and max(shown) < 125 and min(shown) >= 95


def test_a_file_that_browsers_do_not_play_is_converted_within_the_clip_alone(client):
    key = key_of("older")
    assert client.get(f"/media/{key}/playback").json()["duration_s"] == 26.5
    assert client.get(f"/media/{key}/segments/4").status_code == 404, "it ends at 20 s, before the clip"
    assert client.get(f"/media/{key}/segments/7").status_code == 404
    with av.open(io.BytesIO(client.get(f"/media/{key}/segments/6").content)) as container:
        times_s = [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]
    assert (times_s[0], len(times_s)) == (24.0, 25)


def test_the_moment_of_a_clip_is_an_example(client):
    answer = client.get(f"/api/example/{key_of(BAKERY)}@1.5")
    assert answer.status_code == 200


JS = "const v = document.querySelector('video'); return v && v.readyState > 1 ? [v.currentTime, v.paused] : null"


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S)
@pytest.mark.parametrize(("query", "start_s", "end_s"), [("bakery", 10.0, 14.0), ("station", 21.0, 26.5)])
def test_it_plays_from_its_start_to_its_end_and_nothing_else(browser, collection, query, start_s, end_s):
    with served(create_app(collection)) as address:
        browser.driver.get(f"{address}/?q={query}")
        browser.click("li.hit .toggle")
        assert any(f"{int(start_s)} to 0:{int(end_s)}" in text for text in browser.texts("li.hit .clip"))
        browser.click("li.hit .start")
        began_s, _ = browser.until(lambda: browser.driver.execute_script(JS), 60)
        assert start_s - 0.1 <= began_s < end_s
        browser.driver.execute_script("document.querySelector('video').currentTime = arguments[0]", end_s - 0.8)
        ended_s = browser.until(lambda: (found := browser.driver.execute_script(JS)) and found[1] and found[0], 30)
        assert end_s - 0.2 < ended_s <= end_s
        browser.picture(f"clip_{query}")
        browser.driver.execute_script("document.querySelector('video').currentTime = 1")
        back_s = pytest.approx(start_s, abs=0.1)  # while it seeks there is no frame, and nothing is told
        browser.until(lambda: (found := browser.driver.execute_script(JS)) and found[0] == back_s, 30)
