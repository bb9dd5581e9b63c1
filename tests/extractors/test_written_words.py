import logging
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from extractors.text.hashed_words import EncoderParams, vectors
from extractors.word_vectors import EncoderParams as LearnedParams
from extractors.written_words import Expert, Params
from pipeline.media.video import frames_at, probe
from tests.clips import make_clip, set_display_matrix


@pytest.fixture(scope="module")
def expert():
    expert = Expert(Params())
    expert.load("cpu")
    return expert


def frame(text="", left=150):
    noise = np.random.default_rng(0).integers(100, 130, (240, 320, 3)).astype(np.uint8)
    if text:
        noise[180:230, left - 10 : left + 160] = 240
        cv2.putText(noise, text, (left, 215), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (20, 20, 60), 2, cv2.LINE_AA)
    return noise


def test_a_word_on_a_sign_is_read_where_it_is_and_is_the_word_searched(expert):
    embedded = expert.embed(frame("HARBOR", left=150)[None])
    assert embedded.extras["text"].tolist() == ["HARBOR"]
    np.testing.assert_array_equal(embedded.values, vectors(["harbor"], EncoderParams()))
    (width, _), _ = cv2.getTextSize("HARBOR", cv2.FONT_HERSHEY_SIMPLEX, 0.9, 2)
    np.testing.assert_allclose(embedded.extras["box_px"][0], [150, 195, 150 + width, 217], atol=12)
    assert embedded.extras["confidence"][0] > 0.9


def test_each_word_of_a_line_has_a_row_with_a_box_of_its_own(expert):
    extras = expert.embed(frame("Room 24")[None]).extras
    assert extras["text"].tolist() == ["Room", "24"]
    assert extras["box_px"][0, 2] < extras["box_px"][1, 0]


def test_where_nothing_is_written_there_are_no_rows(expert):
    embedded = expert.embed(np.stack([frame(), np.zeros((240, 320, 3), np.uint8)]))
    assert embedded.values.shape == (0, 300)
    assert embedded.extras["box_px"].shape == (0, 4)
    assert embedded.extras["text"].dtype.kind == "U"


def test_rows_belong_to_their_frames_and_a_batch_changes_nothing(expert):
    frames = np.stack([frame("one"), frame(), frame("three four"), frame("one")])
    together = expert.embed(frames)
    assert together.item_index.tolist() == [0, 2, 2, 3]
    alone = [expert.embed(single[None]) for single in frames]
    np.testing.assert_array_equal(together.values, np.concatenate([single.values for single in alone]))
    for name in together.extras:
        np.testing.assert_array_equal(together.extras[name], np.concatenate([one.extras[name] for one in alone]))


def test_several_threads_that_read_at_once_read_the_same(expert):
    frames = [frame(text)[None] for text in ("one", "two three", "", "four", "HARBOR", "Room 24")] * 3
    alone = [expert.embed(single) for single in frames]
    with ThreadPoolExecutor(4) as threads:
        at_once = list(threads.map(expert.embed, frames))
    for found, expected in zip(at_once, alone, strict=True):
        np.testing.assert_array_equal(found.values, expected.values)
        for name in expected.extras:
            np.testing.assert_array_equal(found.extras[name], expected.extras[name])


def test_it_takes_one_core_but_where_a_language_model_makes_the_vectors(expert):
    assert expert.takes_one_core
    assert Expert(Params(words=LearnedParams("file"))).takes_one_core
    assert not Expert(Params(words=LearnedParams("transformers/me/tiny"))).takes_one_core


def test_reading_is_quiet(expert, capfd):
    expert.embed(frame()[None])
    assert logging.getLogger("RapidOCR").level >= logging.ERROR
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("wrong", [{"fps": 0.0}, {"short_px": 8}, {"detector_px": 8}, {"min_confidence": 1.5}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        Params(**wrong)


def test_what_is_written_in_a_mirrored_file_is_read(expert, tmp_path):
    """Filmed by a front camera: the frames are mirrored, and the display matrix mirrors them back."""
    mirrored = np.ascontiguousarray(frame("HARBOR")[:, ::-1])
    path = make_clip(tmp_path / "a.mp4", size=(320, 240), sound=None, seconds=0.2, picture=lambda index: mirrored)
    info = probe(set_display_matrix(path, -1, 0, 0, 1))
    (_, pixels), *_ = frames_at(path, info.frame_times_s, info)
    assert expert.embed(pixels[None]).extras["text"].tolist() == ["HARBOR"]
