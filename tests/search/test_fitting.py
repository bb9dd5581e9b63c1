import json

import numpy as np
import pytest

from models.fusion.nested import FEWEST, Fitted, Gain
from search import Options, config, fitting
from search.engines import weighing
from tests.search import small_collection
from tests.search.engines.test_weighing import selector
from tests.search.small_collection import BEAR, CONFIGS, Clip

SETTINGS = config.load(CONFIGS)
WORDS = [
    f"{first}{second}" for first in ("ba", "ki", "mo", "su", "te") for second in ("dok", "lan", "mir", "pov", "zug")
]


def clips() -> list[Clip]:
    """Clips of which each says two words, one shows a bear, and whose captions name a word, half of them the bear."""
    found = []
    for number in range(FEWEST + 20):
        word = WORDS[number % len(WORDS)]
        split = ("val", "train", "test", "val")[number % 4]
        caption = f"{word} and {WORDS[number % 7]}" + (" with a bear" if number % 2 else "")
        seen = {BEAR: (0.9, 1)} if number % 5 == 0 else {}
        speech = {word: 1.0, WORDS[(number * 3) % len(WORDS)]: 2.0}
        found.append(Clip(f"{number:03}.mp4", speech=speech, seen=seen, duration_s=3.0, split=split, caption=caption))
    return found


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("captioned")
    small_collection.make(folder, clips(), has_model=False)
    return folder


@pytest.fixture
def index(root):
    path = root / "store" / "index" / "tiny" / ("b" * 12)
    yield path
    (path / weighing.FILE).unlink(missing_ok=True)


def fitted_on(monkeypatch, answer=None):
    """What is fitted on from now on: its examples; `answer` is what is found."""
    asked = []
    monkeypatch.setattr(fitting, "fit", lambda examples: asked.append(examples) or answer or Fitted(None, None))
    return asked


def test_the_examples_are_what_the_search_itself_finds_for_the_captions(index, root, monkeypatch):
    asked = fitted_on(monkeypatch)
    fitting.write(index, SETTINGS, small_collection.weights(root))
    (examples,) = asked
    collection = small_collection.opened(root)
    found = examples.found(examples.base)
    for (row, caption), ours in list(zip(fitting._captions(collection), found, strict=True))[::6]:
        hits = collection.search(caption, options=Options(k=100)).hits
        right = [hit.score for hit in hits if hit.video_id == collection.videos[row].video_id]
        if not right:
            assert ours == 0
            continue
        scores = np.array([hit.score for hit in hits])
        equal = np.isclose(scores, right[0], rtol=1e-5, atol=0)
        higher = (scores > right[0]) & ~equal
        assert ours == pytest.approx(1 / (higher.sum() + (equal.sum() + 1) / 2))
    assert len(found) == sum(clip.split != "test" for clip in clips())


def test_captions_of_the_test_split_take_no_part_and_with_a_network_only_those_of_the_validation_split(index, root):
    collection = small_collection.opened(root)
    splits = {clip.caption: clip.split for clip in clips()}
    assert {splits[caption] for _, caption in fitting._captions(collection)} <= {"train", "val"}
    object.__setattr__(collection.facts, "is_trained", True)
    assert all(clip.split == "val" for row, _ in fitting._captions(collection) for clip in [collection.videos[row]])


def test_captions_are_read_block_by_block(index, root, monkeypatch):
    collection = small_collection.opened(root)
    expected = fitting._captions(collection)
    monkeypatch.setattr(fitting, "BLOCK_VIDEOS", 7)
    assert fitting._captions(collection) == expected
    assert [collection.videos[row].captions for row, _ in expected] == [(caption,) for _, caption in expected]


def test_what_was_fitted_is_in_the_index_and_weighs_the_next_answers(index, root, monkeypatch):
    collection = small_collection.opened(root)
    fixed = collection.search("badok with a bear")
    assert (fixed.engine_weights, fixed.is_by_query) == ({"words": 2.0, "labels": 1.0}, False)
    fitted_on(monkeypatch, Fitted(selector(), Gain(0.1, 0.05, 0.15, 60)))
    fitting.write(index, SETTINGS, small_collection.weights(root))
    told = json.loads((index / weighing.FILE).read_text(encoding="utf-8"))
    assert told["facts"] == {"used": True, "gain": {"mean": 0.1, "low": 0.05, "high": 0.15, "queries": 60}}
    assert told["engines"] == ["labels", "words"]
    answer = small_collection.opened(root).search("badok with a bear")
    assert answer.is_by_query
    assert answer.engine_weights["labels"] > 2.9
    assert all("labels" in hit.found_by for hit in answer.hits[:3])
    weighed = small_collection.opened(root).search("badok with a bear", options=Options(weights={"rgb_light": 0.5}))
    assert (weighed.engine_weights, weighed.is_by_query) == (fixed.engine_weights, False)


def test_where_nothing_was_gained_all_answers_are_as_before(index, root, monkeypatch):
    before = [small_collection.opened(root).search(clip.caption) for clip in clips()[:9]]
    fitted_on(monkeypatch)
    fitting.write(index, SETTINGS, small_collection.weights(root))
    assert [small_collection.opened(root).search(clip.caption) for clip in clips()[:9]] == before


def test_of_too_few_captions_nothing_is_written(index, root, monkeypatch):
    monkeypatch.setattr(fitting, "FEWEST", 1000)
    fitting.write(index, SETTINGS, small_collection.weights(root))
    assert not (index / weighing.FILE).exists()


def test_the_captions_are_bounded_and_spread(index, root, monkeypatch):
    monkeypatch.setattr(fitting, "MOST_CAPTIONS", 7)
    rows = [row for row, _ in fitting._captions(small_collection.opened(root))]
    assert len(rows) <= 7
    assert np.diff(rows).min() > 5
