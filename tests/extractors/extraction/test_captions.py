import dataclasses
from pathlib import Path

import numpy as np
import pytest

from extractors import registry
from extractors.extraction import captions
from extractors.extraction.captions import encode
from pipeline.datasets.annotations import Caption
from pipeline.errors import ExtractionError
from pipeline.stores import parts, store
from tests.extractors.faulty_experts import Overridden

FOLDER = Path(__file__).parents[3] / "configs" / "text"
CAPTIONS = ["A red star turns", "ünï cödé 日本語", "!!!", "x", *[f"caption number {number}" for number in range(20)]]


@pytest.fixture
def hashed():
    store.forget_scans()
    return registry.text("words_hashed", FOLDER)


def spoil(named, encode):
    return dataclasses.replace(named, encoder=Overridden(named.encoder, encode=encode))


def test_every_caption_has_its_tokens_in_the_store(tmp_path, hashed):
    encode(hashed, CAPTIONS, tmp_path, "cpu")
    assert store.rows(tmp_path).keys() == {Caption(text).key for text in CAPTIONS}
    block = parts.read(tmp_path, [Caption(text).key for text in CAPTIONS], hashed.encoder.dim)
    for row, tokens in zip(range(len(CAPTIONS)), hashed.encoder.encode(CAPTIONS), strict=True):
        np.testing.assert_array_equal(block[row], tokens)
    assert block.counts.min() >= 1
    assert block.counts[0] == 4


def test_no_captions_write_nothing(tmp_path, hashed):
    encode(hashed, [], tmp_path / "store", "cpu")
    assert not (tmp_path / "store").exists()


def test_batches_and_parts_change_nothing(tmp_path, hashed, monkeypatch):
    encode(hashed, CAPTIONS, tmp_path / "one", "cpu")
    monkeypatch.setattr(captions, "CAPTIONS_PER_PART", 7)
    runtime = dataclasses.replace(hashed.config.runtime, batch_size=3)
    small = dataclasses.replace(hashed, config=dataclasses.replace(hashed.config, runtime=runtime))
    sizes, told = [], []
    counted = spoil(small, lambda batch: sizes.append(len(batch)) or hashed.encoder.encode(batch))
    encode(counted, CAPTIONS, tmp_path / "many", "cpu", lambda *seen: told.append(seen))
    assert len(store.parts(tmp_path / "many")) == 4
    assert max(sizes) == 3
    assert sum(sizes) == len(CAPTIONS)
    assert told[-1] == (24, 24)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    keys = [Caption(text).key for text in CAPTIONS]
    one, many = (parts.read(tmp_path / name, keys, hashed.encoder.dim) for name in ("one", "many"))
    np.testing.assert_array_equal(one.values, many.values)
    np.testing.assert_array_equal(one.offsets, many.offsets)


def test_a_kill_half_way_keeps_the_parts_that_are_done(tmp_path, hashed, monkeypatch):
    monkeypatch.setattr(captions, "CAPTIONS_PER_PART", 10)
    calls = []

    def killed(batch):
        calls.append(batch)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return hashed.encoder.encode(batch)

    with pytest.raises(KeyboardInterrupt):
        encode(spoil(hashed, killed), CAPTIONS, tmp_path, "cpu")
    assert store.rows(tmp_path).keys() == {Caption(text).key for text in CAPTIONS[:20]}


@pytest.mark.parametrize(
    "tokens", [np.zeros((1, 7), np.float32), np.full((1, 300), np.nan, np.float32), np.zeros(300, np.float32)]
)
def test_an_encoder_that_breaks_its_promise_is_told_and_writes_nothing(tmp_path, hashed, tokens):
    bad = spoil(hashed, lambda batch: [tokens for _ in batch])
    with pytest.raises(
        ExtractionError, match="text encoder words_hashed: vectors of another shape than it says, or not"
    ):
        encode(bad, CAPTIONS, tmp_path, "cpu")
    assert store.rows(tmp_path) == {}


@pytest.mark.parametrize("change", [-1, 1])
def test_an_encoder_that_gives_too_few_or_too_many_is_not_believed(tmp_path, hashed, change):
    def wrong(batch):
        tokens = hashed.encoder.encode(batch)
        return tokens[:-1] if change < 0 else [*tokens, tokens[0]]

    with pytest.raises((ValueError, ExtractionError)):
        encode(spoil(hashed, wrong), CAPTIONS, tmp_path, "cpu")
    assert store.rows(tmp_path) == {}


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.rglob("*.yaml")))
def test_every_shipped_encoder_has_a_plain_recipe(name):
    from pipeline.stores.fingerprint import fingerprint

    one, two = registry.text(name, FOLDER), registry.text(name, FOLDER)
    assert fingerprint(one.recipe) == fingerprint(two.recipe)
    assert one.encoder.dim > 0
    assert one.encoder.version >= 1


def test_a_stop_keeps_what_is_encoded_and_the_next_run_forms_the_same_batches(tmp_path, hashed):
    batches = []

    def encode_batch(batch):
        batches.append(tuple(batch))
        return hashed.encoder.encode(batch)

    size = 5
    runtime = dataclasses.replace(hashed.config.runtime, batch_size=size)
    slow = spoil(hashed, encode_batch)
    slow = dataclasses.replace(slow, config=dataclasses.replace(slow.config, runtime=runtime))
    encode(slow, CAPTIONS, tmp_path, "cpu", stop=lambda: len(batches) == 2)
    assert store.rows(tmp_path).keys() == {Caption(text).key for text in CAPTIONS[: 2 * size]}
    encode(slow, CAPTIONS[2 * size :], tmp_path, "cpu")
    assert batches == [tuple(CAPTIONS[at : at + size]) for at in range(0, len(CAPTIONS), size)]


def test_what_is_encoded_waits_no_longer_than_a_while(tmp_path, hashed, monkeypatch):
    monkeypatch.setattr(captions, "SECONDS_PER_PART", 0.0)
    runtime = dataclasses.replace(hashed.config.runtime, batch_size=10)
    encode(
        dataclasses.replace(hashed, config=dataclasses.replace(hashed.config, runtime=runtime)),
        CAPTIONS,
        tmp_path,
        "cpu",
    )
    assert len(store.parts(tmp_path)) == 3
