import pytest

from search.config import LEAST_LABEL
from search.engines import labels
from search.engines.fulltext import Match
from search.engines.labels import BestLabels, Labels, Seen

BEAR = "brown bear, bruin, Ursus arctos"
NAMES = {
    "rgb": [BEAR, "teddy, teddy bear", "zebra", "great white shark, man-eater, man-eating shark"],
    "scene": ["zoo", "bar (indoor)"],
}


def made(tmp_path, *seen, floor=0.1):
    labels.build(tmp_path / "labels.sqlite", NAMES, [BestLabels(*one) for one in seen])
    return Labels(tmp_path / "labels.sqlite", {"the", "a", "in"}, floor)


@pytest.mark.parametrize("word", ["brown", "bear", "Bears", "bruin", "ursus", "ARCTOS"])
def test_a_label_is_found_by_any_word_of_any_of_its_synonyms(tmp_path, word):
    found = made(tmp_path, (7, "rgb", [(0, 0.9, 2.0)]), (8, "rgb", [(2, 0.9, 2.0)]))
    assert list(found.find(word)) == [7]
    assert found.matched(word, 7) == (Seen(BEAR, "rgb", 0.9, 2.0),)
    assert found.matched(word, 8) == ()


def test_the_score_is_the_probability_times_the_words_share_of_the_synonym_and_adds_up_over_the_words(tmp_path):
    found = made(tmp_path, (0, "rgb", [(0, 0.8, 0.0)]), (1, "rgb", [(1, 0.9, 0.0)]), (2, "rgb", [(3, 0.9, 0.0)]))
    assert found.find("a brown bear") == {0: Match(0.8, 1.0), 1: Match(0.45, 0.5)}
    assert found.find("teddy") == {1: Match(0.9, 1.0)}
    assert found.find("man")[2].score == pytest.approx(0.45), "half of man-eater"


def test_coverage_is_the_share_of_the_words_that_were_asked_for(tmp_path):
    found = made(tmp_path, (0, "rgb", [(2, 0.9, 1.0)]), (0, "scene", [(0, 0.5, 3.0)]))
    match = found.find("the zebra in a zoo eats grass")[0]
    assert match.coverage == 0.5
    assert match.score == pytest.approx(1.4)
    assert [one.label for one in found.matched("the zoo zebra", 0)] == ["zebra", "zoo"]


def test_what_is_below_the_floor_is_not_seen(tmp_path):
    seen = [(0, "rgb", [(2, 0.3, 1.0)]), (1, "rgb", [(2, 0.2, 1.0)])]
    assert set(made(tmp_path, *seen, floor=0.25).find("zebra")) == {0}
    found = Labels(tmp_path / "labels.sqlite", set(), 0.25)
    assert found.videos_with("zebra") == [0]
    assert (found.matched("zebra", 1), found.seen_in(1), found.counts(9)) == ((), (), (("zebra", 1),))
    assert set(Labels(tmp_path / "labels.sqlite", set(), 0.0).find("zebra")) == {0, 1}
    assert LEAST_LABEL < 0.1


def test_an_expert_counts_by_its_weight_and_not_at_all_with_weight_zero(tmp_path):
    found = made(tmp_path, (0, "rgb", [(2, 0.8, 1.0)]), (1, "scene", [(0, 0.5, 1.0)]))
    assert found.find("zebra zoo", {"rgb": 0.5})[0].score == pytest.approx(0.4)
    assert set(found.find("zebra zoo", {"rgb": 0.0})) == {1}
    assert found.matched("zebra", 0, {"rgb": 0.0}) == ()


def test_a_filter_wants_all_of_its_words_in_one_label(tmp_path):
    found = made(tmp_path, (0, "rgb", [(0, 0.8, 1.0)]), (1, "rgb", [(1, 0.8, 1.0)]), (2, "scene", [(1, 0.8, 0.0)]))
    assert sorted(found.videos_with("bear")) == [0, 1]
    assert found.videos_with("brown bear") == found.videos_with(BEAR) == [0]
    assert found.videos_with("bar (indoor)") == [2]
    assert found.videos_with("teddy zebra") == found.videos_with(" ?") == found.videos_with("") == []


def test_counts_are_of_videos_the_most_frequent_first(tmp_path):
    seen = [(video, "rgb", [(2, 0.9, 0.0)] + ([(0, 0.9, 0.0)] if video else [])) for video in range(3)]
    found = made(tmp_path, *seen)
    assert found.counts(5) == (("zebra", 3), (BEAR, 2))
    assert found.counts(1) == (("zebra", 3),)


def test_all_labels_of_a_video_come_by_falling_probability(tmp_path):
    found = made(tmp_path, (0, "rgb", [(0, 0.2, 1.0), (2, 0.7, 2.0)]), (0, "scene", [(0, 0.5, 3.0)]))
    assert [(one.short, one.score, one.start_s) for one in found.seen_in(0)] == [
        ("zebra", 0.7, 2.0), ("zoo", 0.5, 3.0), ("brown bear", 0.2, 1.0)
    ]  # fmt: skip


@pytest.mark.parametrize("query", ["", '"', "NEAR(a b)", "* OR zebra:", "\x00", "name : zebra", "ß" * 3000])
def test_nothing_in_a_query_is_an_instruction(tmp_path, query):
    found = made(tmp_path, (0, "rgb", [(2, 0.9, 0.0)]))
    assert set(found.find(query)) <= {0}
    assert isinstance(found.videos_with(query), list)


def test_a_label_in_any_script_is_found_by_its_words_and_scores_by_their_share(tmp_path):
    names = {"rgb": ["दिन", "दान", "港口, 海港城市", "Café, Kneipe"]}
    labels.build(tmp_path / "labels.sqlite", names, [BestLabels(row, "rgb", [(row, 0.8, 1.0)]) for row in range(4)])
    found = Labels(tmp_path / "labels.sqlite", set(), 0.1)
    assert found.find("दान") == {1: Match(0.8, 1.0)}
    assert found.find("港口") == {2: Match(0.8, 1.0)}
    assert found.find("城市")[2].score == pytest.approx(0.4), "half of a name of four characters"
    assert found.find("口港") == {}
    assert found.videos_with("cafe") == [3]
    assert [one.short for one in found.seen_in(2)] == ["港口"]
