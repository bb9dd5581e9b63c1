import json

import pytest

from pipeline.errors import ConfigError, PipelineError
from search import Collection, Filter, Options, config
from search.engines import fulltext, fusion
from tests.search import small_collection


@pytest.fixture(params=["tiny", "untrained"])
def collection(request) -> Collection:
    return request.getfixturevalue(request.param)


def test_a_word_that_is_only_on_a_sign_finds_its_video_first(collection):
    first = collection.search("a lighthouse").hits[0]
    assert first.video_id == "harbour.mp4"
    assert first.best_s == 4.0
    assert [(word.text, word.expert) for word in first.words] == [("LIGHTHOUSE", "ocr_light")]
    assert first.found_by["words"].rank == 1


def test_a_word_that_is_only_spoken_finds_its_video_first(collection):
    first = collection.search("somebody cooks pasta").hits[0]
    assert first.video_id == "kitchen.mp4"
    assert first.best_s == 3.0
    assert {word.expert for word in first.words} == {"speech_light"}


def test_a_video_with_more_of_the_words_comes_first(collection):
    hits = collection.search("boats on the water", options=Options(k=2)).hits
    assert [hit.video_id for hit in hits] == ["harbour.mp4", "kitchen.mp4"]


def test_other_forms_of_a_word_match(collection):
    assert collection.search("she runs").hits[0].video_id == "long/walk.mp4"


def test_nothing_is_found_for_words_that_nobody_says(untrained):
    answer = untrained.search("quantum chromodynamics")
    assert not answer.hits
    assert "No model is trained yet" in answer.reason


def test_below_the_floor_the_experts_find_nothing(tiny, monkeypatch):
    monkeypatch.setattr(type(tiny.experts), "floor", lambda *_: 1.1)
    answer = tiny.search("quantum chromodynamics")
    assert not answer.hits
    assert answer.reason == "Nothing in this collection is a good match."


@pytest.mark.parametrize(
    "query", ["", "   ", '"', "' OR 1=1 --", "NEAR(a b)", "*", "\x00", "ß" * 5000, "a AND", "\N{PILE OF POO}"]
)
def test_any_query_is_answered(collection, query):
    answer = collection.search(query)
    assert answer.hits or answer.reason


def test_shares_add_up_to_the_similarity_and_name_what_is_missing(tiny):
    for hit in tiny.search("water boils in the harbour"):
        assert set(hit.shares) == set(small_collection.EXPERTS)
        entry = tiny.entry(hit.video_id)
        assert {name for name, share in hit.shares.items() if share is not None} == set(entry.experts)
        if "ce" in hit.found_by:
            assert hit.similarity == pytest.approx(hit.found_by["ce"].score, abs=1e-6)


def test_an_expert_of_weight_zero_has_no_part(tiny):
    answer = tiny.search("lighthouse", options=Options(weights={"ocr_light": 0.0}))
    assert not any(hit.words for hit in answer)
    assert all(not hit.shares["ocr_light"] for hit in answer)


def test_a_filter_leaves_only_what_it_allows(tiny):
    filtered = tiny.search("water", options=Options(only=Filter(frozenset({"ocr"}))))
    assert {hit.video_id for hit in filtered} <= {"harbour.mp4", "street.mp4"}
    short = tiny.search("bakery", options=Options(only=Filter(longest_s=2.0)))
    assert not short.hits
    assert short.reason == "No video passes the filters."


def test_the_most_similar_video_is_of_the_same_colour(tiny):
    only_colour = Options(weights={"ocr_light": 0.0, "speech_light": 0.0})
    answer = tiny.similar("meadow.mp4", options=only_colour)
    assert answer.hits[0].video_id == "harbour.mp4"
    assert "meadow.mp4" not in {hit.video_id for hit in answer}
    assert answer.hits[0].found_by["similar"].rank == 1


def test_without_a_model_videos_cannot_be_compared_and_the_error_says_what_to_do(untrained):
    with pytest.raises(PipelineError, match="luigi --module tasks BuildIndex --dataset tiny"):
        untrained.similar("meadow.mp4")


def test_an_unknown_video_is_named(tiny):
    with pytest.raises(ConfigError, match=r"'\.\./etc/passwd'"):
        tiny.entry("../etc/passwd")


def test_a_collection_without_an_index_says_how_to_make_it(tmp_path):
    with pytest.raises(PipelineError, match="luigi --module tasks BuildIndex --dataset other"):
        Collection.open("other", tmp_path, small_collection.CONFIGS)


def test_the_same_query_gives_the_same_answer(tiny):
    assert tiny.search("boats on water") == tiny.search("boats on water")


def test_a_label_that_nobody_says_or_writes_finds_its_video_and_the_second(collection):
    first, second = collection.search("a zebra", options=Options(k=2)).hits
    assert (first.video_id, second.video_id) == ("meadow.mp4", f"{small_collection.HOSTILE}.mp4")
    assert [(one.label, one.expert, one.start_s) for one in first.seen] == [("zebra", "rgb_light", 2.0)]
    assert first.seen[0].score == pytest.approx(0.93)
    assert first.found_by["labels"].rank == 1
    assert first.best_s == 2.0
    assert first.words == ()


@pytest.mark.parametrize(("query", "video"), [("bruin", "meadow.mp4"), ("teddy", "kitchen.mp4")])
def test_a_synonym_finds_it_and_a_label_below_the_floor_does_not(untrained, query, video):
    assert untrained.search(query).hits[0].video_id == video
    assert not untrained.search("grasshopper").hits
    assert "read, heard or seen" in untrained.search("grasshopper").reason


def test_words_count_for_more_than_labels():
    weights = config.load(small_collection.CONFIGS).fusion.weights
    assert 0 < weights["labels"] < weights["words"]


def test_a_classifier_of_weight_zero_finds_nothing_by_its_labels(untrained):
    assert not untrained.search("zebra", options=Options(weights={"rgb_light": 0.0})).hits


def test_only_videos_that_show_a_label_can_be_asked_for(tiny):
    def found(query, *labels):
        return {hit.video_id for hit in tiny.search(query, options=Options(only=Filter(labels=frozenset(labels))))}

    assert found("water", "teddy bear") == {"kitchen.mp4"}
    assert found("zebra", "zebra", "bear") == {"meadow.mp4"}
    assert tiny.search("water", options=Options(only=Filter(labels=frozenset({"giraffe"})))).reason == (
        "No video passes the filters."
    )
    similar = tiny.similar("meadow.mp4", options=Options(only=Filter(labels=frozenset({"teddy"}))))
    assert {hit.video_id for hit in similar} <= {"kitchen.mp4"}


def test_an_index_of_an_older_version_without_labels_is_still_opened(tmp_path):
    path = small_collection.make(tmp_path, has_model=False)
    facts = json.loads((path / "index.json").read_text(encoding="utf-8"))
    del facts["labelled"]
    (path / "index.json").write_text(json.dumps(facts), encoding="utf-8")
    (path / "labels.sqlite").unlink()
    settings = config.load(small_collection.CONFIGS)
    collection = Collection(path, tmp_path, settings, small_collection.weights(tmp_path))
    assert collection.search("lighthouse").hits[0].seen == ()
    assert not collection.search("lighthouse", options=Options(only=Filter(labels=frozenset({"zebra"})))).hits


def test_the_videos_are_where_the_yaml_says_when_the_collection_is_opened(tmp_path):
    small_collection.make(tmp_path, has_model=False)
    small_collection.make_files(tmp_path)
    assert small_collection.opened(tmp_path).search("lighthouse").hits[0].path.is_file()
    (tmp_path / "videos").rename(tmp_path / "elsewhere")
    assert not small_collection.opened(tmp_path).search("lighthouse").hits[0].path.is_file()
    yaml_file = tmp_path / "configs" / "datasets" / "tiny.yaml"
    yaml_file.write_text(f"videos: {tmp_path / 'elsewhere'}\n", encoding="utf-8")
    assert small_collection.opened(tmp_path).search("lighthouse").hits[0].path.is_file()


def test_a_relative_folder_of_videos_is_below_the_project_folder(tmp_path, monkeypatch):
    small_collection.make(tmp_path, has_model=False)
    (tmp_path / "configs" / "datasets" / "tiny.yaml").write_text("videos: videos\n", encoding="utf-8")
    (tmp_path / "luigi.cfg").write_text("[Paths]\ndata = .\n", encoding="utf-8")
    (tmp_path / "deep" / "down").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "down")
    assert Collection.open("tiny").root == tmp_path / "videos"


def test_an_answer_of_many_pages_is_one_list(tiny):
    whole = tiny.search("water zebra", options=Options(k=100))
    assert whole.num_found == whole.num_ranked == len(whole) > 2
    assert whole.is_counted
    pages = [tiny.search("water zebra", options=Options(k=2, offset=at)) for at in range(0, len(whole) + 2, 2)]
    assert [hit for page in pages for hit in page] == list(whole)
    assert [page.reason for page in pages] == [""] * len(pages)


def test_what_fits_is_what_passes_the_floors_and_the_filters(tiny):
    said = {clip.name for clip in small_collection.CLIPS if "water" in clip.speech}
    only = Options(k=100, weights=dict.fromkeys(["ocr_light", "rgb_light"], 0.0), only=Filter(frozenset({"speech"})))
    answer = tiny.search("water", options=only)
    assert said <= {hit.video_id for hit in answer}
    assert answer.num_found == len(answer)
    short = Options(k=1, only=Filter(longest_s=3.0))
    assert tiny.search("bakery", options=short).num_found == 1  # all others are longer


def test_what_an_engine_does_not_look_at_is_not_counted(untrained, monkeypatch):
    assert untrained.search("water").is_counted
    monkeypatch.setattr(fulltext, "MOST_DOCUMENTS", 1)
    answer = untrained.search("water")
    assert (answer.num_found, answer.is_counted) == (1, False)


def test_more_than_can_be_ranked_is_counted(untrained, monkeypatch):
    monkeypatch.setattr(fusion, "CANDIDATES", 1)
    answer = untrained.search("water")
    assert (answer.num_found, answer.num_ranked, answer.is_counted) == (2, 1, True)


@pytest.mark.parametrize("query", ["?!", "...", '"', "—"])
def test_a_query_without_a_word_finds_nothing_and_says_so(collection, query):
    answer = collection.search(query)
    assert not answer.hits
    assert "There is no word in what was asked for" in answer.reason
