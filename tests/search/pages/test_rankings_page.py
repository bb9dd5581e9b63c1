import base64
import hashlib
import json
import re
from dataclasses import replace

import pytest

from pipeline.datasets.manifest import MISSING
from search.pages import rankings
from search.pages.rankings_page import render, write_page
from tests.search import small_collection
from tests.search.browser import open_browser
from tests.search.chromium import LONGEST_S
from tests.search.pages.ranked_clips import FACTS, HOSTILE_CAPTION


def data_of(folder):
    page = (folder / "rankings.html").read_text(encoding="utf-8")
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL).group(1))


def test_the_page_links_videos_relatively_and_their_stills_lie_beside_it(folder):
    for media in data_of(folder)["media"].values():
        assert media["file"].startswith("../../videos/")
        assert (folder / media["poster"]).is_file()


def test_videos_of_which_no_file_is_here_are_shown_without_links_and_stills(ranked, tmp_path, monkeypatch):
    monkeypatch.setattr("search.pages.stills.run_jobs", lambda *_: pytest.fail("a still was wanted"))
    write_page(ranked, FACTS | {"root": tmp_path / "nowhere"}, tmp_path, 1)
    data = data_of(tmp_path)
    assert all(media == {"file": "", "poster": ""} for media in data["media"].values())
    assert len(data["t2v"]) == 3


def test_a_name_that_leads_elsewhere_is_not_followed(ranked, tmp_path):
    (tmp_path / "secret.mp4").write_bytes(b"something")
    (tmp_path / "videos").mkdir()
    gone = replace(ranked.split.videos[0], video_id="../secret.mp4", problem=MISSING)
    split = replace(ranked.split, videos=[gone, *ranked.split.videos[1:]])
    write_page(replace(ranked, split=split), FACTS | {"root": tmp_path / "videos"}, tmp_path, 1)
    assert data_of(tmp_path)["media"]["../secret.mp4"]["file"] == ""


def test_nothing_in_a_name_or_caption_can_leave_the_data(folder):
    page = (folder / "rankings.html").read_text(encoding="utf-8")
    assert page.count("<script") == 2
    assert "<img" not in page.replace('make("img"', "")
    assert HOSTILE_CAPTION in [query["caption"] for query in data_of(folder)["t2v"]]


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S)
def test_the_page_works_from_disk(folder, tmp_path):
    with open_browser(tmp_path) as browser:
        browser.driver.get((folder / "rankings.html").as_uri())
        browser.find(".query", 3)
        loaded = "return [...document.images].every(one => one.complete && one.naturalWidth > 0)"
        browser.until(lambda: browser.driver.execute_script(loaded))
        browser.find("#text")[0].send_keys("harbor")
        browser.until(lambda: "HARBOR" in browser.texts(".query mark"))
        browser.click(".query .screen.can")
        browser.until(lambda: browser.driver.execute_script("return document.querySelector('video').currentTime") > 0)
        browser.click("#direction label", at=1)
        browser.find("#text")[0].clear()
        browser.driver.execute_script("document.getElementById('text').oninput()")
        browser.find(".said", 9)
        assert any(HOSTILE_CAPTION in text for text in browser.texts(".said p"))
        assert browser.complaints() == []


def many(folder, count):
    """The data of a page with `count` captions as queries, whose ranks are 1 to `count`, the worst first."""
    data = data_of(folder)
    likes = data["t2v"]
    made = [
        likes[rank % len(likes)] | {"rank": float(rank), "caption": f"take {rank}", "kind": "sample"}
        for rank in range(count, 0, -1)
    ]
    return data | {"t2v": made}


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S)
def test_a_hundred_queries_are_a_page_and_the_address_holds_what_is_asked(folder, tmp_path):
    page = folder / "many.html"
    page.write_text(render(many(folder, 250)), encoding="utf-8")
    with open_browser(tmp_path) as browser:

        def headings():
            return browser.texts(".query h2")

        browser.driver.get(page.as_uri())
        browser.find(".query", 1)
        assert headings() == [f"take {rank}" for rank in range(250, 150, -1)]
        assert browser.texts("#count") == ["1 to 100 of 250 queries"]
        browser.driver.find_element("css selector", ".pages a[aria-label='Page 3']").click()
        browser.until(lambda: headings() == [f"take {rank}" for rank in range(50, 0, -1)])
        assert browser.driver.current_url.endswith("#page=3")
        assert browser.texts(".pages [aria-current]") == ["3", "3"]
        assert browser.driver.execute_script("return document.activeElement.id") == "queries", (
            "the keyboard goes on there"
        )
        browser.driver.refresh()
        browser.until(lambda: headings()[:1] == ["take 50"])
        browser.driver.back()
        browser.until(lambda: headings()[:1] == ["take 250"])
        browser.find("#order")[0].send_keys("best first")
        browser.until(lambda: headings()[:2] == ["take 1", "take 2"])
        browser.find("#text")[0].send_keys("take 24")
        browser.until(lambda: headings() == [f"take {rank}" for rank in range(251) if "24" in str(rank)])
        assert browser.driver.current_url.endswith("#text=take+24&order=best")
        browser.driver.get(f"{page.as_uri()}#page=99&order=evil&direction=constructor&rank=__proto__")
        browser.until(lambda: headings() == [f"take {rank}" for rank in range(50, 0, -1)])
        assert browser.complaints() == []


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S)
def test_each_bar_has_the_name_of_its_expert_and_its_share(folder, ranked, tmp_path):
    query = data_of(folder)["t2v"][0]
    with open_browser(tmp_path) as browser:
        browser.driver.get((folder / "rankings.html").as_uri())
        (bars, *_) = browser.find(".query:first-child .found .bars")
        lines = [line.text.split() for line in bars.find_elements("css selector", "li")]
    shares = query["found"][0]["shares"]
    told = ["missing" if share is None else f"{share:.3f}" for share in shares]
    assert lines == [[name, share] for name, share in zip(ranked.experts, told, strict=True)]


def test_the_page_holds_the_rankings_and_the_facts(folder, ranked):
    data = data_of(folder)
    assert data["t2v"] == rankings.caption_queries(ranked)
    assert data["v2t"] == rankings.video_queries(ranked)
    assert data["experts"] == [{"name": name, "modality": small_collection.EXPERTS[name]} for name in ranked.experts]
    assert {key: data[key] for key in ("dataset", "model", "split", "seed", "num_videos", "num_captions")} == {
        "dataset": "tiny", "model": "m", "split": "test", "seed": 0, "num_videos": 3, "num_captions": 3
    }  # fmt: skip


def test_only_the_scripts_and_styles_of_the_page_itself_may_run(folder):
    page = (folder / "rankings.html").read_text(encoding="utf-8")
    hashes = re.findall(r"'sha256-([^']+)'", page)
    inside = re.findall(r"<script>(.*?)</script>|<style>(.*?)</style>", page, re.DOTALL)
    found = {base64.b64encode(hashlib.sha256("".join(one).encode()).digest()).decode() for one in inside}
    assert len(found) == 2
    assert found == set(hashes)
