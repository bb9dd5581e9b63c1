"""Files that browsers do not play are played all the same, from any second."""

import io

import av
import pytest
from fastapi.testclient import TestClient

from search.index.folder import key_of
from search.pages.app import create_app
from tests.search.browser import served
from tests.search.chromium import LONGEST_S
from tests.search.pages import film
from tests.search.pages.film import FILM, FILM_S, SIGN

AVI, MP4 = key_of(FILM), key_of(SIGN)


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    return film.make(tmp_path_factory.mktemp("film"))


@pytest.fixture(scope="module")
def client(collection):
    return TestClient(create_app(collection), base_url="http://127.0.0.1")


def test_the_player_is_told_what_it_gets(client):
    told = client.get(f"/media/{AVI}/playback").json()
    assert (told["as_it_is"], told["why"], told["segment_s"], told["duration_s"]) == (False, "mpeg4 in avi", 4, FILM_S)
    assert client.get(f"/media/{MP4}/playback").json()["as_it_is"]


def test_a_file_that_browsers_play_is_sent_as_it_is_and_another_one_is_refused(client, collection):
    whole = (collection.root / SIGN).read_bytes()
    some = client.get(f"/media/{MP4}/play", headers={"Range": "bytes=10-19"})
    assert (some.status_code, some.content) == (206, whole[10:20])
    refused = client.get(f"/media/{AVI}/play")
    assert (refused.status_code, str(collection.root) in refused.text) == (415, False)


def test_a_segment_is_made_of_its_seconds_alone(client):
    answer = client.get(f"/media/{AVI}/segments/5")
    assert answer.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(answer.content)) as container:
        times = [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]
    assert (times[0], len(times)) == (20.0, 4 * film.FPS)
    assert client.get(f"/media/{AVI}/segments/5").content == answer.content


@pytest.mark.parametrize("number", ["8", "1000000", "-1", "1e3", "1000001", "x"])
def test_a_segment_that_there_is_not_is_refused(client, number):
    assert client.get(f"/media/{AVI}/segments/{number}").status_code in {404, 422}


def test_a_file_that_is_replaced_is_looked_into_again(tmp_path):
    collection = film.make(tmp_path)
    client = TestClient(create_app(collection), base_url="http://127.0.0.1")
    assert client.get(f"/media/{MP4}/playback").json()["as_it_is"]
    (collection.root / FILM).replace(collection.root / SIGN)
    assert not client.get(f"/media/{MP4}/playback").json()["as_it_is"]
    (collection.root / SIGN).write_bytes(b"\0" * 5000)
    for what in ("playback", "play", "segments/0", "clip?from_s=0&to_s=1"):
        assert client.get(f"/media/{MP4}/{what}").status_code == 404


@pytest.fixture(scope="module")
def address(collection):
    with served(create_app(collection)) as at:
        yield at


def video(browser, what: str):
    return browser.driver.execute_script(f"const v = document.querySelector('.hit video'); return v && {what}")


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S)
def test_an_avi_plays_from_the_moment_that_was_found_and_can_be_sought(browser, address):
    browser.size(1440, 900)
    browser.driver.get(f"{address}/?q=harbor")
    browser.click(".hit .start")
    browser.until(lambda: video(browser, "v.currentTime > 21 && v.currentTime < 29 && v.videoWidth === 160"), 60)
    assert video(browser, "v.duration") == pytest.approx(30, abs=0.2)
    assert video(browser, "[...Array(v.buffered.length).keys()].every((i) => v.buffered.start(i) >= 15)")
    browser.picture("play-avi")
    browser.driver.execute_script("document.querySelector('.hit video').currentTime = 3")
    browser.until(lambda: video(browser, "v.currentTime > 3.2 && v.currentTime < 15"), 60)
    assert video(browser, "v.error === null")


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S)
def test_a_converted_video_plays_to_its_end(browser, address):
    browser.driver.get(f"{address}/?q=harbor")
    browser.click(".hit .start")
    browser.until(lambda: video(browser, "v.currentTime > 21"), 60)
    browser.driver.execute_script("document.querySelector('.hit video').currentTime = 28")
    browser.until(lambda: video(browser, "v.ended"), 60)


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S)
def test_what_browsers_play_is_played_as_it_is(browser, address):
    browser.driver.get(f"{address}/?q=bakery")
    browser.click(".hit .start")
    browser.until(lambda: video(browser, "v.currentTime > 1"), 30)
    assert "/media/" in video(browser, "v.currentSrc")


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S)
def test_the_path_is_told_and_a_clip_and_the_list_can_be_kept(browser, address):
    browser.driver.get(f"{address}/?q=harbor")
    browser.click(".hit .toggle")
    browser.click(".hit .copy")
    browser.until(lambda: any(browser.texts(".files [role=status]")))
    assert "from_s=20.0&to_s=30.0" in browser.find(".files a")[0].get_attribute("href")
    assert [link.get_attribute("href").partition("format=")[2] for link in browser.find("#export a", 2)] == [
        "csv",
        "json",
    ]
    browser.picture("files")
    browser.size(390, 844)
    browser.picture("files-phone")
    assert browser.driver.execute_script("return document.documentElement.scrollWidth") <= 390
