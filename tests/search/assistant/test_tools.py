import io
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import ConfigError, PipelineError
from search.assistant import tools
from search.assistant.tools import Tools
from tests.search.small_collection import CLIPS, EXPERTS, HOSTILE


@pytest.fixture
def told(tiny) -> Tools:
    return Tools(tiny)


def test_a_hit_has_its_best_moment_and_says_what_is_there(told):
    found = told.search("a lighthouse", 3)
    first = found.hits[0]
    assert (first.video, first.duration_s) == ("harbour.mp4", 6.0)
    assert (first.best.start_s, first.best.end_s) == (4.0, 4.5), "where the clip was made to show the sign"
    assert (first.best.what, first.best.expert) == ('written: "LIGHTHOUSE"', "ocr_light")
    assert first.reasons[0] == 'written: "LIGHTHOUSE" at 4.0 s (ocr_light)'
    assert len(found.hits) <= 3 and found.num_found >= len(found.hits)


@pytest.mark.parametrize(
    ("query", "video", "what", "start_s"),
    [("pasta", "kitchen.mp4", 'said: "Pasta"', 3.0), ("zebra", "meadow.mp4", 'seen: "zebra"', 2.0)],
)
def test_words_are_said_and_labels_are_seen(told, query, video, what, start_s):
    (hit, *_) = told.search(query, 1).hits
    assert (hit.video, hit.best.what, hit.best.start_s) == (video, what, start_s)


def test_only_videos_that_pass_the_filters_are_found(told):
    names = {hit.video for hit in told.search("water", 10, ("ocr",)).hits}
    assert names <= {clip.name for clip in CLIPS if clip.sign} and "harbour.mp4" in names
    nothing = told.search("water", 10, (), 1.0)
    assert (nothing.hits, nothing.num_found, nothing.note) == ((), 0, "No video passes the filters.")


def test_a_modality_that_is_not_there_is_an_error_that_names_those_that_are(told):
    with pytest.raises(ConfigError, match="'smell' is not a modality of tiny") as error:
        told.search("water", 1, ("smell",))
    assert "speech" in str(error.value)


def test_the_moments_of_one_video_are_in_order_and_of_no_other(told):
    found = told.moments("kitchen.mp4", "pasta in water")
    said = [(one.what, one.start_s) for one in found.moments if one.what.startswith("said")]
    assert said == [('said: "Pasta"', 3.0), ('said: "water"', 3.9)]
    assert [one.start_s for one in found.moments] == sorted(one.start_s for one in found.moments)
    assert all(0 <= one.start_s <= one.end_s <= found.duration_s for one in found.moments)


def test_of_very_many_moments_the_first_are_told(told, monkeypatch):
    everything = told.moments("kitchen.mp4", "pasta in water").moments
    monkeypatch.setattr(tools, "MOST_MOMENTS", 1)
    found = told.moments("kitchen.mp4", "pasta in water")
    assert found.moments == everything[:1]
    assert found.note == f"{len(everything) - 1} later moments are left out."


def test_a_video_without_the_words_has_no_moments_and_says_why(untrained):
    found = Tools(untrained).moments("street.mp4", "lighthouse")
    assert found.moments == () and found.note.startswith("None of these words")


def test_a_video_in_which_nothing_is_like_the_query_says_so(told, tiny, monkeypatch):
    monkeypatch.setattr(tiny.experts, "floor", lambda *_: 2.0)  # no similarity is as high
    assert told.moments("street.mp4", "lighthouse").note == "Nothing in this video is a good match."


def test_questions_are_answered_one_at_a_time(told, tiny, monkeypatch):
    inside, most, search = [], [], tiny.search

    def slow(*given, **more):
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.01)
        inside.pop()
        return search(*given, **more)

    monkeypatch.setattr(tiny, "search", slow)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: told.search("water", 1), range(8)))
    assert most == [1] * 8


def test_a_frame_is_what_the_video_shows_at_that_second(told, tiny):
    picture = Image.open(io.BytesIO(told.frame("kitchen.mp4", 1.0)))
    assert picture.format == "JPEG" and picture.width <= tools.STILL_PX
    red, green, blue = np.asarray(picture, np.float64).mean(axis=(0, 1))
    assert red > green + 20 and red > blue + 20, "the clip is red"
    assert told.frame("kitchen.mp4", 1e6), "after its end, the last frame"


@pytest.mark.parametrize("name", ["nowhere.mp4", "../tiny/videos/kitchen.mp4", "/etc/passwd", "", "kitchen"])
def test_a_video_is_only_found_by_its_name(told, name):
    for ask in (lambda: told.frame(name, 0), lambda: told.moments(name, "water"), lambda: told.similar(name, 1)):
        with pytest.raises(ConfigError, match="no video"):
            ask()


def test_a_video_without_a_file_has_no_frame_and_says_so(untrained):
    with pytest.raises(ConfigError, match=r"kitchen\.mp4: there is no file of it on this machine"):
        Tools(untrained).frame("kitchen.mp4", 0)


def test_a_file_that_cannot_be_read_has_no_frame_and_tells_no_path(told, tiny, tmp_path, monkeypatch):
    (tmp_path / "kitchen.mp4").write_bytes(b"no video")
    monkeypatch.setattr(tiny, "root", tmp_path)
    with pytest.raises(ConfigError, match=r"kitchen\.mp4: no picture of it can be shown") as error:
        told.frame("kitchen.mp4", 0)
    assert str(tmp_path) not in str(error.value)


def test_similar_videos_do_not_have_the_one_that_was_named_and_need_a_model(told, untrained):
    found = told.similar("kitchen.mp4", 10)
    assert found.hits and "kitchen.mp4" not in {hit.video for hit in found.hits}
    with pytest.raises(PipelineError, match="there are none yet"):
        Tools(untrained).similar("kitchen.mp4", 1)


def test_what_there_is_is_described(told, untrained):
    facts = told.describe()
    assert (facts.dataset, facts.num_videos, facts.longest_s) == ("tiny", len(CLIPS), 40.0)
    assert {one.name: one.modality for one in facts.experts} == EXPERTS
    speaking = next(one for one in facts.experts if one.name == "speech_light")
    assert speaking.num_videos == sum(bool(clip.speech) for clip in CLIPS)
    assert facts.labels[0] == "zebra" and HOSTILE in facts.labels
    assert facts.is_trained and not Tools(untrained).describe().is_trained


def test_a_text_of_any_length_is_cut(told, monkeypatch):
    monkeypatch.setattr(tools, "LONGEST_TEXT", 4)
    assert told.search("lighthouse", 1).hits[0].best.what == 'written: "LIG…"'
