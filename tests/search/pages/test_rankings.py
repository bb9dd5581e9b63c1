import json
import re
from dataclasses import replace

import numpy as np
import pytest

from pipeline.datasets.manifest import MISSING
from search.config import load
from search.pages import rankings
from search.pages.rankings_page import write_page
from tests.search import small_collection
from tests.search.browser import open_browser
from tests.search.chromium import LONGEST_S

SAID = f"{small_collection.HOSTILE} </script><script>alert(1)</script> \u2028 'quoted' \"twice\""
CLIPS = [
    small_collection.Clip("a b/kitchen #1.mp4", said={"Pasta": 1.0}, colour=(1, 0, 0), caption="somebody cooks pasta"),
    small_collection.Clip("harbour.mp4", sign={"HARBOR": 1.0}, colour=(0, 1, 0), caption="a sign reads HARBOR"),
    small_collection.Clip(f"{small_collection.HOSTILE}.mp4", colour=(0, 0, 1), caption=SAID),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(the page's folder, what it was made from)."""
    root = tmp_path_factory.mktemp("rankings")
    sources, model = small_collection.trained(root, CLIPS)
    small_collection.make_files(root, CLIPS)
    folder = root / "reports" / "one"
    folder.mkdir(parents=True)
    ranked = rankings.rank(sources, model, "test", load(small_collection.CONFIGS).stop_words, folder / "words.sqlite")
    facts = {"dataset": "tiny", "model": "m", "split": "test", "seed": 0, "modalities": small_collection.EXPERTS}
    write_page(ranked, facts | {"root": root / "videos"}, folder, 1)
    return folder, ranked


def data_of(folder):
    page = (folder / "rankings.html").read_text(encoding="utf-8")
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL).group(1))


def test_each_query_has_its_rank_and_the_five_best(made):
    folder, ranked = made
    told = data_of(folder)
    assert len(told["t2v"]) == len(told["v2t"]) == 3
    for query in told["t2v"]:
        caption = ranked.split.captions.index(query["caption"])
        order = np.argsort(-ranked.scores[caption])
        names = [ranked.split.videos[at].video_id for at in order]
        assert [pair["video"] for pair in query["found"]] == names
        assert query["rank"] == names.index(query["right"]["video"]) + 1


def test_shares_add_up_to_the_score_and_missing_experts_are_named(made):
    folder, _ = made
    told = data_of(folder)
    names = [expert["name"] for expert in told["experts"]]
    for query in told["t2v"]:
        for pair in query["found"]:
            assert sum(share or 0.0 for share in pair["shares"]) == pytest.approx(pair["score"], abs=1e-3)
            is_there = pair["video"] == "harbour.mp4"
            assert (pair["shares"][names.index("ocr_light")] is not None) == is_there


def test_words_that_were_read_or_heard_are_told(made):
    folder, _ = made
    query = next(query for query in data_of(folder)["t2v"] if "pasta" in query["caption"])
    assert query["right"]["words"] == ["Pasta"]


def test_the_page_links_videos_relatively_and_their_stills_lie_beside_it(made):
    folder, _ = made
    for media in data_of(folder)["media"].values():
        assert media["file"].startswith("../../videos/")
        assert (folder / media["poster"]).is_file()


def test_videos_of_which_no_file_is_here_are_shown_without_links_and_stills(made, tmp_path, monkeypatch):
    _, ranked = made
    monkeypatch.setattr("search.pages.stills.run_jobs", lambda *_: pytest.fail("a still was wanted"))
    facts = {"dataset": "tiny", "model": "m", "split": "test", "seed": 0, "modalities": small_collection.EXPERTS}
    write_page(ranked, facts | {"root": tmp_path / "nowhere"}, tmp_path, 1)
    told = data_of(tmp_path)
    assert all(media == {"file": "", "poster": ""} for media in told["media"].values())
    assert len(told["t2v"]) == 3


def test_a_name_that_leads_elsewhere_is_not_followed(made, tmp_path):
    _, ranked = made
    (tmp_path / "secret.mp4").write_bytes(b"something")
    (tmp_path / "videos").mkdir()
    gone = replace(ranked.split.videos[0], video_id="../secret.mp4", problem=MISSING)
    split = replace(ranked.split, videos=[gone, *ranked.split.videos[1:]])
    facts = {"dataset": "tiny", "model": "m", "split": "test", "seed": 0, "modalities": small_collection.EXPERTS}
    write_page(replace(ranked, split=split), facts | {"root": tmp_path / "videos"}, tmp_path, 1)
    assert data_of(tmp_path)["media"]["../secret.mp4"]["file"] == ""


def test_nothing_in_a_name_or_caption_can_leave_the_data(made):
    folder, _ = made
    page = (folder / "rankings.html").read_text(encoding="utf-8")
    assert page.count("<script") == 2
    assert "<img" not in page.replace('make("img"', "")
    assert SAID in [query["caption"] for query in data_of(folder)["t2v"]]


@pytest.mark.parametrize("num_queries", [1, 2, 5, 100, 101, 1000])
def test_the_best_the_worst_and_some_are_chosen_once_each(num_queries):
    ranks = np.random.default_rng(1).permutation(num_queries) + 1.0
    chosen = rankings.sample_queries(ranks)
    assert len({query for query, _ in chosen}) == len(chosen) == min(num_queries, 100)
    assert [ranks[query] for query, _ in chosen] == sorted((ranks[query] for query, _ in chosen), reverse=True)
    if num_queries > 100:
        assert {query for query, kind in chosen if kind == "best"} == set(np.argsort(ranks)[:25])
        assert {query for query, kind in chosen if kind == "worst"} == set(np.argsort(ranks)[-25:])


def test_queries_without_a_rank_are_left_out():
    assert rankings.sample_queries(np.array([np.nan, 2.0, np.nan])) == [(1, "best")]


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S)
def test_the_page_works_from_disk(made, tmp_path):
    folder, _ = made
    with open_browser(tmp_path) as browser:
        browser.driver.get((folder / "rankings.html").as_uri())
        browser.find(".query", 3)
        assert browser.driver.execute_script("return performance.now()") < 2000
        loaded = "return [...document.images].every(one => one.complete && one.naturalWidth > 0)"
        browser.until(lambda: browser.driver.execute_script(loaded))
        browser.find("#text")[0].send_keys("harbor")
        browser.until(lambda: "HARBOR" in browser.texts(".query mark"))
        browser.find(".query .screen.can")[0].click()
        browser.until(lambda: browser.driver.execute_script("return document.querySelector('video').currentTime") > 0)
        browser.find("#direction label")[1].click()
        browser.find("#text")[0].clear()
        browser.driver.execute_script("document.getElementById('text').oninput()")
        browser.find(".said", 9)
        assert any(SAID in text for text in browser.texts(".said p"))
        assert browser.complaints() == []
