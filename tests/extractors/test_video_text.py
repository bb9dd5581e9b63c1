import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from extractors.base import SpreadNeed
from extractors.video_text import Encoder, EncoderParams, Expert, Params
from pipeline.weights.files import WeightSource
from tests.extractors.hub_folder import NAME, REVISION, TEXTS, folder_of, num_shards, release, unit_length

SIZES = {
    "videoprism": {"dim": 32, "size_px": 36, "num_frames": 3},
    "xclip": {"dim": 16, "size_px": 64, "num_frames": 3},
    "pe_video": {"dim": 32, "size_px": 28, "num_frames": 3},
    "pe_audio_video": {"dim": 32, "size_px": 28, "num_frames": 3},
}
LENGTH = 10
LOOK = {"mean": (0.4, 0.5, 0.6), "std": (0.2, 0.3, 0.4)}


@pytest.fixture(scope="module", params=list(SIZES))
def released(request, tmp_path_factory):
    """(model type, its settings, the model, the cache, the source of weights)."""
    cache, kind = tmp_path_factory.mktemp(request.param), request.param
    model, source = release(cache, kind, shards=kind == "pe_audio_video", max_tokens=LENGTH, **SIZES[kind])
    return kind, SIZES[kind] | {"shards": num_shards(cache)}, model, cache, source


@pytest.fixture(scope="module")
def theirs(released):
    """(pixels (B, T, 3, H, W), ids, mask) -> the vectors of the videos and of the texts by the library itself."""
    kind, _, model, *_ = released

    def forward(pixels, ids, mask):
        words = {"input_ids": ids, "attention_mask": mask}
        with torch.inference_mode():
            if kind == "videoprism":
                told = model(pixel_values_videos=pixels, **words)
                return told.video_embeds, told.text_embeds
            if kind == "xclip":
                text = model.get_text_features(**words).pooler_output
                return model(pixel_values=pixels, **words).video_embeds, text
            of_video = model.video_model if kind == "pe_audio_video" else model
            told = of_video(pixel_values_videos=pixels, **words)
            return told.video_embeds, told.text_video_embeds

    return forward


def of(cls, params, released, **changed):
    _, settings, _, _, source = released
    made = cls(params(NAME, REVISION, **(settings | changed)), source)
    made.load("cpu")
    return made


@pytest.fixture(scope="module")
def expert(released):
    return of(Expert, Params, released, **LOOK)


@pytest.fixture(scope="module")
def encoder(released):
    _, settings, _, _, source = released
    made = Encoder(EncoderParams(NAME, REVISION, settings["dim"], LENGTH, shards=settings["shards"]), source)
    made.load("cpu")
    return made


def test_videos_and_texts_are_what_the_librarys_own_forward_makes_of_them(released, theirs, expert, encoder):
    _, settings, _, cache, _ = released
    frames = np.random.default_rng(0).integers(0, 256, (len(TEXTS), 3, *2 * (settings["size_px"],), 3)).astype(np.uint8)
    pixels = torch.tensor((frames / 255 - LOOK["mean"]) / LOOK["std"]).float().permute(0, 1, 4, 2, 3)
    words = AutoTokenizer.from_pretrained(folder_of(cache))(
        TEXTS, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt"
    )
    videos, texts = theirs(pixels, words["input_ids"], words["attention_mask"])
    found = expert.embed(frames).values
    assert found.shape == (len(TEXTS), settings["dim"])
    np.testing.assert_allclose(found, unit_length(videos), atol=1e-5)
    np.testing.assert_allclose(np.concatenate(encoder.encode(TEXTS)), unit_length(texts), atol=1e-5)
    assert np.abs(found[0] - found[1]).max() > 1e-4


def test_a_text_does_not_depend_on_those_beside_it(encoder):
    together = encoder.encode(TEXTS)
    for text, vector in zip(TEXTS, together, strict=True):
        np.testing.assert_allclose(encoder.encode([text])[0], vector, atol=1e-6)


def test_the_frames_are_spread_and_squashed_or_cropped():
    params = {"network": NAME, "revision": REVISION, "dim": 8, "size_px": 28, "num_frames": 4}
    assert Expert(Params(**params)).need == SpreadNeed(4, None, "start", resize="bilinear", size_px=(28, 28))
    cropped = Params(**params, squash=False, clip_s=5.0, at="ends", resize="bicubic")
    assert Expert(cropped).need == SpreadNeed(4, 5.0, "ends", 28, "bicubic", crop_px=28)


@pytest.mark.parametrize("wrong", [{"size_px": 0}, {"num_frames": 0}, {"clip_s": 0.0}, {"dim": 0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="above 0"):
        Params(**{"network": NAME, "revision": REVISION, "dim": 8, "size_px": 28, "num_frames": 4} | wrong)


def test_stand_ins_have_the_shapes_of_the_network():
    name = "transformers/microsoft/xclip-base-patch32"
    source = WeightSource(always_seeded=True)
    expert = Expert(Params(name, REVISION, 24, 64, 2), source)
    encoder = Encoder(EncoderParams(name, REVISION, 24, LENGTH), source)
    expert.load("cpu")
    encoder.load("cpu")
    assert expert.embed(np.zeros((2, 2, 64, 64, 3), np.uint8)).values.shape == (2, 24)
    one, other = encoder.encode(["a dog barks", "two cats"])
    assert one.shape == (1, 24)
    assert np.abs(one - other).max() > 1e-3
