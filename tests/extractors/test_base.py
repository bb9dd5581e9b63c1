import numpy as np
import pytest

from extractors.base import AudioView, Embedded, FrameNeed, FrameView, HandcraftedExtractor, TextEncoder, TokenEncoder
from pipeline.stores.parts import Features
from pipeline.weights.files import WeightSource

STARTS = np.array([0, 3, 4])


class Mean(HandcraftedExtractor):
    version, dim, need = 1, 1, FrameNeed(1.0)

    def prepare(self, view):
        return view.windows.mean(axis=(1, 2, 3, 4))[:, None].astype(np.float32)


def frame_view(starts, window):
    frames = np.random.default_rng(0).integers(0, 256, (7, 4, 5, 3)).astype(np.uint8)
    return FrameView(frames, starts, window, np.zeros((len(starts), 2)))


def audio_view(starts, window):
    samples = np.random.default_rng(0).normal(size=12).astype(np.float32)
    return AudioView(samples, 16000, starts, window, np.zeros((len(starts), 2)))


@pytest.mark.parametrize("window", [1, 3])
@pytest.mark.parametrize(("make", "name"), [(frame_view, "frames"), (audio_view, "samples")])
def test_windows_are_the_slices_that_the_view_describes(make, name, window):
    view = make(STARTS, window)
    whole = getattr(view, name)
    np.testing.assert_array_equal(view.windows, [whole[start : start + window] for start in STARTS])
    assert view.windows.dtype == whole.dtype


@pytest.mark.parametrize(("make", "shape"), [(frame_view, (0, 3, 4, 5, 3)), (audio_view, (0, 3))])
def test_a_view_without_items_has_no_windows(make, shape):
    assert make(np.zeros(0, np.int64), 3).windows.shape == shape


def test_one_vector_per_item_belongs_to_the_items_in_their_order():
    embedded = Embedded.one_per_item(np.ones((3, 2)))
    assert (embedded.values.dtype, embedded.values.shape) == (np.float32, (3, 2))
    assert embedded.item_index.tolist() == [0, 1, 2]
    assert (embedded.extras, embedded.times_s) == ({}, None)


def test_what_a_handcrafted_extractor_prepares_are_its_features():
    extractor = Mean(None)
    view = frame_view(STARTS, 2)
    items = extractor.prepare(view)
    np.testing.assert_array_equal(extractor.embed(items).values, items)
    np.testing.assert_allclose(items[1], view.frames[3:5].mean(), rtol=1e-6)


def test_without_a_network_there_are_no_weights_and_nothing_to_load():
    extractor = Mean(None)
    assert (extractor.weights, extractor.weight_files(), extractor.source) == ({}, {}, WeightSource())
    extractor.load("cpu")
    extractor.compile()
    features = Features(np.zeros((1, 1), np.float32), np.zeros((1, 2)))
    assert extractor.finish(features) is features


class Named(TextEncoder):
    """One vector for a text, and one for each of its letters."""

    version, dim, weights = 1, 2, {"network": "abc"}
    loaded = ""

    def load(self, device):
        self.loaded = device

    def encode(self, texts):
        return [np.array([[len(text), 0]], np.float32) for text in texts]


class Spelt(Named):
    token_version = 3

    def encode_tokens(self, texts):
        return [np.array([[ord(letter), 1] for letter in text], np.float32) for text in texts]


def test_the_encoder_of_tokens_is_the_tower_but_for_what_it_encodes():
    tower = Spelt(None, WeightSource())
    tokens = TokenEncoder(tower)
    tokens.load("cuda:1")
    assert (tokens.dim, tokens.weights, tower.loaded, tokens.source) == (2, {"network": "abc"}, "cuda:1", tower.source)
    assert (tokens.weight_files(), tokens.unknown_parts()) == ({}, [])
    np.testing.assert_array_equal(tokens.encode(["ab"])[0], [[97, 1], [98, 1]])


def test_a_tower_without_vectors_of_tokens_gives_that_of_the_text():
    assert Named.token_version == 0
    np.testing.assert_array_equal(TokenEncoder(Named(None)).encode(["ab"])[0], [[2, 0]])


def test_what_must_be_written_for_each_extractor_and_encoder_is_asked_for():
    assert HandcraftedExtractor.__abstractmethods__ == {"dim", "need", "prepare"}
    assert TextEncoder.__abstractmethods__ == {"dim", "encode"}
