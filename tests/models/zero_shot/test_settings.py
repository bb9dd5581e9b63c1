import dataclasses

import pytest

from models.zero_shot.settings import LabelWords, synonyms


@pytest.mark.parametrize("change", [{"temperature": 0.0}, {"power": 0.0}, {"labels": 0}])
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(ValueError, match="label_words"):
        dataclasses.replace(LabelWords(), **change)


def test_without_a_sentence_encoder_there_are_none_by_default():
    assert not LabelWords().text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("brown bear, bruin, Ursus arctos", ("brown bear", "bruin", "Ursus arctos")),
        ("hen", ("hen",)),
        ("a, ,b,", ("a", "b")),
        (",", (",",)),
    ],
)
def test_synonyms_stand_between_commas_and_there_is_always_one(name, expected):
    assert synonyms(name) == expected
