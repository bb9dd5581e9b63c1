import dataclasses

import numpy as np
import pytest

from extractors import captions, easyocr_words, fast_speech, spoken_words, whisper_speech, written_words
from extractors.base import WordView
from extractors.word_experts import segments
from extractors.word_experts.ocr_expert import Word, split_line
from extractors.word_experts.segments import Cuts
from extractors.word_vectors import EncoderParams, SegmentParams
from pipeline import config
from pipeline.errors import ConfigError
from pipeline.stores.parts import Features
from pipeline.weights.files import WeightFile, WeightSource
from tests.extractors.packaged import packaged_text
from tests.extractors.reference import SEEDED
from tests.extractors.run_experts import packaged_options

SOURCE = "transformers/sentence-transformers/all-MiniLM-L6-v2"
CONFIG_SHA256 = "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"


def letters(texts):
    """(S, 1), the number of letters of each text."""
    return np.array([[len(text)] for text in texts], np.float32)


def words(*rows, **extras):
    texts, starts_s, ends_s = zip(*rows, strict=True)
    times_s = np.array([starts_s, ends_s], np.float64).T
    return Features(np.zeros((len(rows), 1), np.float32), times_s, {"text": np.array(texts), **extras})


def test_what_is_said_between_two_silences_is_one_row():
    said = words(("a", 0, 1), ("bear", 1.5, 2), ("sleeps", 3.0, 3.4), ("who", 4.5, 5))
    joined = segments.join(said, Cuts(1.0), letters)
    assert joined.extras["text"].tolist() == ["a bear sleeps", "who"]
    assert joined.times_s.tolist() == [[0, 3.4], [4.5, 5]]
    assert joined.extras["word_times_s"].tolist() == ["0.00-1.00 1.50-2.00 3.00-3.40", "4.50-5.00"]
    assert joined.values.tolist() == [[13], [3]]


def test_a_sentence_encoder_reads_a_sentence_without_blanks_as_one():
    said = words(("港", 0, 1), ("口", 1, 2), ("ok", 2, 3))
    joined = segments.join(said, Cuts(1.0), letters)
    assert joined.values.tolist() == [[len("港口 ok")]]
    assert joined.extras["text"].tolist() == ["港 口 ok"], "one blank between words, as their times have"


def test_a_word_inside_a_longer_one_does_not_end_a_segment():
    said = words(("loooong", 0, 5), ("short", 1, 2), ("next", 5.5, 6))
    assert segments.join(said, Cuts(1.0), letters).extras["text"].tolist() == ["loooong short next"]


def test_a_line_of_a_frame_is_one_row_however_close_the_next():
    boxes = np.array([[0, 0, 4, 2], [5, 1, 9, 3], [0, 5, 3, 7]], np.float32)
    starts = np.array([True, False, True])
    confidence = np.array([0.5, 1.0, 0.9], np.float32)
    seen = words(("No", 2, 4), ("entry", 2, 4), ("EXIT", 2, 4), box_px=boxes, confidence=confidence, starts_line=starts)
    joined = segments.join(seen, Cuts(1.0), letters)
    assert joined.extras["text"].tolist() == ["No entry", "EXIT"]
    assert joined.extras["box_px"].tolist() == [[0, 0, 9, 3], [0, 5, 3, 7]]
    np.testing.assert_allclose(joined.extras["confidence"], [0.75, 0.9])
    assert joined.extras["confidence"].dtype == np.float32
    assert "starts_line" not in joined.extras


def test_what_is_said_for_long_without_a_silence_is_cut_at_its_longest_pauses():
    said = words(("a", 0, 3), ("b", 3.2, 5), ("c", 5.9, 8), ("d", 8, 9), ("e", 9.1, 11.5))
    joined = segments.join(said, Cuts(1.0, longest_s=6.0), letters)
    assert joined.extras["text"].tolist() == ["a b", "c d e"]
    even = words(*((str(second), second, second + 1) for second in range(8)))
    joined = segments.join(even, Cuts(1.0, longest_s=2.5), letters)
    assert joined.extras["text"].tolist() == ["0 1", "2 3", "4 5", "6 7"]
    assert segments.join(words(("endless", 0, 99)), Cuts(1.0, 6.0), letters).extras["text"].tolist() == ["endless"]


def test_a_line_that_stays_is_one_row_with_what_was_read_best():
    starts = np.array([True, False, True, True, False, True, True, False])
    confidence = np.array([0.5, 0.5, 0.9, 0.9, 0.9, 0.9, 0.7, 0.7], np.float32)
    boxes = np.arange(32, dtype=np.float32).reshape(8, 4)
    rows = [("No", 0, 2), ("entry", 0, 2), ("EXIT", 0, 2), ("NO", 2, 4), ("Entry", 2, 4), ("way", 4, 6), ("no", 6, 8)]
    seen = words(*rows, ("entry", 6, 8), starts_line=starts, confidence=confidence, box_px=boxes)
    joined = segments.join(seen, Cuts(1.0, merge_s=0.5), letters)
    assert joined.extras["text"].tolist() == ["NO Entry", "EXIT", "way", "no entry"]
    assert joined.times_s.tolist() == [[0, 4], [0, 2], [4, 6], [6, 8]]
    assert joined.extras["word_times_s"].tolist()[0] == "0.00-4.00 0.00-4.00"
    np.testing.assert_array_equal(joined.extras["box_px"][0], [12, 13, 18, 19])
    longer = segments.join(seen, Cuts(1.0, merge_s=2.0), letters)
    assert longer.times_s.tolist() == [[0, 8], [0, 2], [4, 6]]


def test_two_equal_lines_of_one_frame_are_two():
    seen = words(("EXIT", 0, 2), ("EXIT", 0, 2), ("EXIT", 2, 4), starts_line=np.array([True, True, True]))
    joined = segments.join(seen, Cuts(1.0, merge_s=0.5), letters)
    assert joined.times_s.tolist() == [[0, 2], [0, 4]]


def test_the_first_word_of_a_line_is_told():
    corners = np.array([[0, 0], [90, 0], [90, 10], [0, 10]])
    assert [word.starts_line for word in split_line("one two three", 0.9, corners)] == [True, False, False]
    assert Word("alone", 1.0, (0, 0, 1, 1)).starts_line


@pytest.mark.parametrize("module", [spoken_words, written_words, easyocr_words, whisper_speech, fast_speech, captions])
def test_every_expert_of_words_takes_the_unit(module):
    def parsed(**settings):
        network = {"network": "server/me/tiny"} if module is captions else {}
        return config.parse(module.Params, {"words": settings, **network}, "x.yaml: params").words

    found = parsed(unit="segment", source=SOURCE, dim=384)
    assert found == SegmentParams(SOURCE, 384)
    assert parsed(**dataclasses.asdict(found)) == found
    assert type(parsed(unit="word", source=SOURCE, dim=384)) is EncoderParams
    for wrong in (
        {"unit": "segment"},
        {"unit": "line", "source": SOURCE},
        {"unit": "segment", "source": "hashed"},
        {"longest_s": 0, "source": SOURCE},
    ):
        with pytest.raises(ConfigError, match="key 'words'"):
            parsed(**wrong)


def test_stand_ins_give_unit_vectors_too():
    expert = spoken_words.Expert(spoken_words.Params(words=SegmentParams(SOURCE, 16)), SEEDED)
    expert.load("cpu")
    finished = expert.finish(words(("one", 0, 1), ("two", 1, 2)))
    assert np.linalg.norm(finished.values, axis=1) == pytest.approx([1.0])


def test_a_segment_has_the_vector_of_the_sentence_encoder():
    encoder = packaged_text("sentence_minilm")
    files = encoder.source.files
    folder = files["network"].file.rpartition("/")[0]
    package = files["network"].package
    named = WeightFile(package=package, file=f"{folder}/config.json", sha256=CONFIG_SHA256)
    parts = {"words": files["network"], "words_tokenizer": files["tokenizer"], "words_config": named}
    params = spoken_words.Params(words=SegmentParams(SOURCE, 384))
    expert = spoken_words.Expert(params, WeightSource(packaged_options(), parts))
    expert.load("cpu")
    times_s = np.array([[0, 1], [1, 2], [2, 2.5], [6, 7]])
    embedded = expert.embed(expert.prepare(WordView(np.array(["A", "brown", "bear.", "Hello!"]), times_s)))
    finished = expert.finish(Features(embedded.values, times_s[embedded.item_index], embedded.extras))
    expected = np.concatenate(encoder.encode(["A brown bear", "Hello"]))
    np.testing.assert_allclose(finished.values, expected, atol=1e-6)
    assert expert.finish(Features(np.zeros((0, 384), np.float32), np.zeros((0, 2)))).values.shape == (0, 384)
