import numpy as np
import pytest

from search.pages import rankings


def test_each_query_has_its_rank_and_the_five_best(ranked):
    queries = rankings.caption_queries(ranked)
    assert len(queries) == len(rankings.video_queries(ranked)) == 3
    for query in queries:
        caption = ranked.split.captions.index(query["caption"])
        order = np.argsort(-ranked.scores[caption])
        names = [ranked.split.videos[at].video_id for at in order]
        assert [pair["video"] for pair in query["found"]] == names
        assert query["rank"] == names.index(query["right"]["video"]) + 1


def test_shares_add_up_to_the_score_and_missing_experts_are_named(ranked):
    for query in rankings.caption_queries(ranked):
        for pair in query["found"]:
            assert sum(share or 0.0 for share in pair["shares"]) == pytest.approx(pair["score"], abs=1e-3)
            is_there = pair["video"] == "harbour.mp4"
            assert (pair["shares"][ranked.experts.index("ocr_light")] is not None) == is_there


def test_words_that_were_read_or_heard_are_told(ranked):
    query = next(query for query in rankings.caption_queries(ranked) if "pasta" in query["caption"])
    assert query["right"]["words"] == ["Pasta"]


@pytest.mark.parametrize("num_queries", [1, 2, 5, 1000, 1001, 4000])
def test_the_best_the_worst_and_some_are_chosen_once_each(num_queries):
    ranks = np.random.default_rng(1).permutation(num_queries) + 1.0
    chosen = rankings.sample_queries(ranks)
    assert len({query for query, _ in chosen}) == len(chosen) == min(num_queries, 1000)
    assert [ranks[query] for query, _ in chosen] == sorted((ranks[query] for query, _ in chosen), reverse=True)
    if num_queries > 1000:
        assert {query for query, kind in chosen if kind == "best"} == set(np.argsort(ranks)[:250])
        assert {query for query, kind in chosen if kind == "worst"} == set(np.argsort(ranks)[-250:])


def test_queries_without_a_rank_are_left_out():
    assert rankings.sample_queries(np.array([np.nan, 2.0, np.nan])) == [(1, "best")]


def test_the_rankings_of_a_network_with_one_vector_for_all_experts_have_one_share_for_all_experts(
    concatenating, tmp_path
):
    ranked = rankings.rank(*concatenating, "test", frozenset(), tmp_path / "words.sqlite")
    assert ranked.experts == ("all experts",)
    for query in rankings.caption_queries(ranked):
        assert query["right"]["shares"] == [pytest.approx(query["right"]["score"], abs=1e-3)]


def test_a_video_asks_for_its_best_caption_and_says_which_of_the_found_are_its_own(ranked):
    names = [video.video_id for video in ranked.split.videos]
    for query in rankings.video_queries(ranked):
        video = names.index(query["video"])
        order = np.argsort(-ranked.scores[:, video])
        assert [one["caption"] for one in query["found"]] == [ranked.split.captions[caption] for caption in order]
        assert [one["right"] for one in query["found"]] == [
            ranked.split.collection.caption_video[caption] == video for caption in order
        ]
        assert query["found"][int(query["rank"]) - 1]["caption"] == query["right"]["caption"]


def test_every_video_on_the_page_is_listed_once(ranked):
    queries = [*rankings.caption_queries(ranked), *rankings.video_queries(ranked)]
    assert sorted(rankings.shown_videos(queries)) == sorted(video.video_id for video in ranked.split.videos)
