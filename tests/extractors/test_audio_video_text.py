import dataclasses

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, PeAudioFeatureExtractor

from extractors import registry
from extractors.audio_video_text import Encoder, EncoderParams, Expert, Params
from tests.extractors.hub_folder import NAME, REVISION, TEXTS, folder_of, release, unit_length
from tests.extractors.joint_clips import shown, told_and_mute
from tests.extractors.run_experts import features_of, named, row_of, run_pass, video_of

LENGTH, DIM, SIZE_PX, RATE_HZ, FRAMES = 10, 32, 28, 8000, 3


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    cache = tmp_path_factory.mktemp("released")
    return *release(cache, "pe_audio_video", dim=DIM, size_px=SIZE_PX, max_tokens=LENGTH), cache


@pytest.fixture(scope="module")
def expert(released):
    made = Expert(Params(NAME, REVISION, DIM, SIZE_PX, FRAMES, 2.0, rate_hz=RATE_HZ), released[1])
    made.load("cpu")
    return made


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return told_and_mute(tmp_path_factory.mktemp("clips"))


def by_library(model, cache, view, sounds):
    """The vectors of clips and texts by the library's own forward, clip by clip: without padding."""
    words = AutoTokenizer.from_pretrained(folder_of(cache))(
        TEXTS, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt"
    )
    vectors = []
    for frames, sound in zip(view.frames.windows, sounds, strict=True):
        pixels = torch.tensor((frames / 255 - 0.5) / 0.5).float().permute(0, 3, 1, 2)[None]
        told = PeAudioFeatureExtractor(sampling_rate=RATE_HZ)(sound, sampling_rate=RATE_HZ, return_tensors="pt")
        given = {"pixel_values_videos": pixels, "input_values": told["input_values"].reshape(1, 1, -1)}
        with torch.inference_mode():
            vectors.append(model(**given, input_ids=words["input_ids"][:1]).audio_video_embeds)
            many = {name: one.expand(len(TEXTS), *one.shape[1:]).contiguous() for name, one in given.items()}
            texts = model(**many, **words)
    return unit_length(torch.cat(vectors)), unit_length(texts.text_audio_video_embeds)


def test_clips_and_texts_are_what_the_librarys_own_forward_makes_of_them(released, expert, clips):
    model, source, cache = released
    view = shown(expert, clips[0])
    items = expert.prepare(view)
    assert items["num"][:2].tolist() == [16000, 16000]
    assert 8000 <= items["num"][2] < 8400, "an encoder fills its last block"
    sounds = [samples[:num] for samples, num in zip(items["samples"], items["num"], strict=True)]
    values, texts = by_library(model, cache, view, sounds)
    found = expert.embed(items).values
    np.testing.assert_allclose(found, values, atol=1e-5)
    encoder = Encoder(EncoderParams(NAME, REVISION, DIM, LENGTH), source)
    encoder.load("cpu")
    np.testing.assert_allclose(np.concatenate(encoder.encode(TEXTS)), texts, atol=1e-5)


def test_a_clip_without_sound_is_embedded_with_silence_of_its_length(released, expert, clips):
    model, _, cache = released
    view = shown(expert, clips[1])
    assert view.sound is None
    items = expert.prepare(view)
    assert items["num"].tolist() == [16000, 16000, 8000]
    assert not items["samples"].any()
    silence = [np.zeros(num, np.float32) for num in items["num"]]
    np.testing.assert_allclose(expert.embed(items).values, by_library(model, cache, view, silence)[0], atol=1e-5)


@pytest.mark.slow
def test_fused_equals_alone_bit_for_bit_and_the_row_of_a_silent_video_says_so(
    released, expert, clips, tmp_path, monkeypatch
):
    _, source, _ = released
    base = named("audio_video_pe")
    extractor = Expert(expert.params, source)
    mine = dataclasses.replace(base, name="both", extractor=extractor)
    others = [named("rgb_light"), named("audio_light")]
    rebuild = registry.rebuild
    monkeypatch.setattr(registry, "rebuild", lambda id_: extractor if id_.name == "both" else rebuild(id_))
    videos = [(path, video_of(path)) for path in clips]
    assert run_pass([mine], videos, tmp_path / "alone") == {}
    assert run_pass([*others, mine], videos, tmp_path / "fused") == {}
    for _, video in videos:
        alone, fused = (features_of(tmp_path / name, mine, video) for name in ("alone", "fused"))
        np.testing.assert_array_equal(alone.values, fused.values)
        np.testing.assert_array_equal(alone.times_s, fused.times_s)
        assert len(alone.values) == 3
    rows = [row_of(tmp_path / "fused", mine, video) for _, video in videos]
    assert [(row.count, row.failed, row.reason) for row in rows] == [(3, False, ""), (3, False, "no audio stream")]


@pytest.mark.parametrize("wrong", ["size_px", "num_frames", "clip_s", "rate_hz"])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="must be above 0"):
        Params(**{"network": NAME, "revision": REVISION, "dim": DIM, "size_px": SIZE_PX} | {wrong: 0})
