from collections import Counter

import pytest

from pipeline.demo import captions as words
from pipeline.demo.ground_truth import (
    DIRECTIONS,
    FACES,
    SCENES,
    SHAPES,
    SOUNDS,
    SPEEDS,
    SUBTITLES,
    THINGS,
    sample_facts,
)

FACTS = [sample_facts(f"demo_{index:03d}", "train", 7, index, (3.0, 5.0)) for index in range(120)]


def spoken_of(facts, caption):
    """The channels whose facts occur in the caption, found without the code that wrote it."""
    motions = [form.split("{}")[0] for speed in words.MOTIONS.values() for form in speed]
    names = {
        "rgb": [f"{facts.color} {name}" for name in words.SHAPE_NAMES[facts.shape]],
        "scene": words.SCENE_NAMES.get(facts.scene, ()),
        "thing": words.THING_NAMES.get(facts.thing, ()),
        "flow": [*motions, *words.STILLNESS],
        "audio": words.SOUND_NAMES.get(facts.sound, ()),
        "face": words.PORTRAITS.get(facts.face, ()),
        "ocr": [facts.word] if facts.word else [],
        "speech": words.REPORTS.get(facts.topic, ()),
    }
    return {channel for channel, forms in names.items() if any(form.lower() in caption.lower() for form in forms)}


def test_tags_are_exactly_the_channels_a_caption_speaks_of():
    for facts in FACTS:
        for caption, channels in words.write_captions(facts, 5):
            assert spoken_of(facts, caption) == set(channels), caption


def test_captions_speak_only_of_what_is_there_and_of_two_or_three_channels():
    for facts in FACTS:
        captions = words.write_captions(facts, 5)
        assert len({caption for caption, _ in captions}) == 5
        assert all(set(channels) <= set(facts.channels) and len(channels) in (1, 2, 3) for _, channels in captions)


def test_every_channel_is_spoken_of_about_equally_often():
    counts = Counter(tag for facts in FACTS for _, channels in words.write_captions(facts, 5) for tag in channels)
    mean = sum(counts.values()) / 8
    assert len(counts) == 8
    assert all(count == pytest.approx(mean, rel=0.15) for count in counts.values())


def test_there_are_words_for_every_fact():
    assert set(words.SHAPE_NAMES) == set(SHAPES)
    assert set(words.SCENE_NAMES) == set(SCENES)
    assert set(words.THING_NAMES) == set(THINGS)
    assert set(words.WAYS) == set(DIRECTIONS)
    assert set(words.MOTIONS) == set(SPEEDS)
    assert set(words.SOUND_NAMES) == set(SOUNDS)
    assert set(words.PORTRAITS) == set(FACES)
    assert set(words.REPORTS) == set(SUBTITLES)
