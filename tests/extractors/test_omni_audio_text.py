import dataclasses
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, Qwen2_5OmniThinkerForConditionalGeneration

from extractors import registry
from extractors.base import AudioNeed, JointNeed, SpreadNeed
from extractors.networks.pretrained import quiet
from extractors.networks.stand_ins import small, stand_in_omni_chat
from extractors.omni_audio_text import Encoder, EncoderParams, Expert, Params
from pipeline.errors import ConfigError, WeightsError
from pipeline.weights.files import WeightOptions, WeightSource
from tests.extractors.hub_folder import NAME, REVISION, folder_of, last_token, num_shards
from tests.extractors.joint_clips import shown, told_and_mute
from tests.extractors.run_experts import features_of, named, row_of, run_pass, video_of

WIDTH, DIM, FRAMES, CLIP_S = 32, 16, 4, 2.0
SYSTEM = "<|im_start|>system\nYou are helpful.<|im_end|>\n"


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """The thinker with its head in several files, and its processor, as the hub has them; and the source of weights."""
    cache = tmp_path_factory.mktemp("omni")
    torch.manual_seed(0)
    settings = small("qwen2_5_omni_thinker", Params(NAME, REVISION, WIDTH)) | {"tie_word_embeddings": False}
    with quiet():
        config = AutoConfig.for_model("qwen2_5_omni_thinker", **settings)
        model = Qwen2_5OmniThinkerForConditionalGeneration(config).float().eval()
        folder, processor = folder_of(cache), stand_in_omni_chat()
        model.save_pretrained(folder, max_shard_size="200KB")
        processor.tokenizer.save_pretrained(folder)
    parts = processor.video_processor, processor.image_processor, processor.feature_extractor
    told = {key: value for part in parts for key, value in json.loads(part.to_json_string()).items()}
    told |= {
        "chunk_length": 30,
        "n_samples": 480000,
        "nb_max_frames": 3000,
        "processor_class": "Qwen2_5OmniProcessor",
    }  # all in one file, as Qwen's own repositories have it
    (folder / "preprocessor_config.json").write_text(json.dumps(told))
    (folder / "chat_template.jinja").write_text(processor.chat_template)
    return model, WeightSource(WeightOptions(cache, offline=True)), cache, num_shards(cache)


@pytest.fixture(scope="module")
def expert(released):
    made = Expert(Params(NAME, REVISION, DIM, FRAMES, CLIP_S, short_px=40, shards=released[3]), released[1])
    made.load("cpu")
    return made


@pytest.fixture(scope="module")
def encoder(released):
    made = Encoder(EncoderParams(NAME, REVISION, DIM, 40, shards=released[3]), released[1])
    made.load("cpu")
    return made


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return told_and_mute(tmp_path_factory.mktemp("clips"))


def turn(content, system=SYSTEM):
    return f"{system}<|im_start|>user\n{content}<|im_end|>\n<|im_start|>assistant\n<|endoftext|>"


def test_a_text_is_what_the_librarys_own_forward_makes_of_its_turn(released, encoder):
    model, _, cache, _ = released
    for text in ("A dog barks", "zwei Katzen"):
        expected = last_token(model, cache, turn(f"Query: {text}"), DIM)
        np.testing.assert_allclose(encoder.encode([text])[0][0], expected, atol=1e-5)
    np.testing.assert_array_equal(encoder.encode(["a" * 99])[0], encoder.encode(["a" * 33])[0])  # a token is a byte


def test_clips_are_what_the_librarys_own_forward_makes_of_their_frames_and_sound(released, expert, clips):
    model, _, cache, _ = released
    items = expert.prepare(shown(expert, clips[0]))
    assert items["num"][:2].tolist() == [32000, 32000]
    assert 16000 <= items["num"][2] < 17000, "an encoder fills its last block"
    found = expert.embed(items).values
    assert found.shape == (3, DIM)
    video, audio = "<|vision_bos|><|VIDEO|><|vision_eos|>", "<|audio_bos|><|AUDIO|><|audio_eos|>"
    for item, vector in zip(items, found, strict=True):
        given = {"videos": [item["frames"]], "fps": FRAMES / item["seconds"], "do_sample_frames": False}
        given |= {"audio": [item["samples"][: item["num"]]], "sampling_rate": 16000, "cap_pixels_per_frame": True}
        np.testing.assert_allclose(vector, last_token(model, cache, turn(video + audio), DIM, **given), atol=1e-5)
    np.testing.assert_array_equal(expert.embed(items[1:]).values, found[1:])


def test_a_clip_without_sound_is_its_frames_alone(released, expert, clips):
    model, _, cache, _ = released
    (item, *_) = items = expert.prepare(shown(expert, clips[1]))
    assert items["num"].tolist() == [0, 0, 0]
    given = {"videos": [item["frames"]], "fps": FRAMES / CLIP_S, "do_sample_frames": False}
    content = turn("<|vision_bos|><|VIDEO|><|vision_eos|>")
    expected = last_token(model, cache, content, DIM, **given, cap_pixels_per_frame=True)
    np.testing.assert_allclose(expert.embed(items[:1]).values[0], expected, atol=1e-5)


def test_an_instruction_is_the_system_turn(released, clips, encoder):
    model, source, cache, shards = released
    told = Encoder(EncoderParams(NAME, REVISION, DIM, prefix="", instruction="Be brief.", shards=shards), source)
    told.load("cpu")
    expected = last_token(model, cache, turn("a dog", "<|im_start|>system\nBe brief.<|im_end|>\n"), DIM)
    np.testing.assert_allclose(told.encode(["a dog"])[0][0], expected, atol=1e-5)


def test_it_asks_for_the_frames_and_the_sound_of_each_clip(expert):
    frames = SpreadNeed(FRAMES, CLIP_S, "nearest_ends", 40, "bicubic")
    assert expert.need == JointNeed(frames, AudioNeed(16000, CLIP_S, CLIP_S, least_s=0.1))


@pytest.mark.slow
def test_fused_equals_alone_bit_for_bit(released, expert, clips, tmp_path, monkeypatch):
    extractor = Expert(expert.params, released[1])
    mine = dataclasses.replace(named("omni_e5"), name="both", extractor=extractor)
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
    rows = [row_of(tmp_path / "fused", mine, video) for _, video in videos]
    assert [(row.count, row.failed) for row in rows] == [(3, False), (3, False)]


@pytest.mark.parametrize("wrong", [{"rate_hz": 48000}, {"clip_s": 31.0}])
def test_sound_that_the_model_does_not_take_is_refused(released, wrong):
    settings = {"num_frames": FRAMES, "shards": released[3], **wrong}
    with pytest.raises(ConfigError, match="hears at most 30 s of sound at rate_hz 16000"):
        Expert(Params(NAME, REVISION, DIM, **settings), released[1]).load("cpu")


@pytest.mark.parametrize(("change", "says"), [("missing", "no file holds"), ("unused", "does not have")])
def test_a_tensor_that_is_missing_or_one_too_many_is_refused_by_name(released, tmp_path, change, says):
    _, _, cache, shards = released
    for path in folder_of(cache).iterdir():
        folder_of(tmp_path).mkdir(parents=True, exist_ok=True)
        (folder_of(tmp_path) / path.name).write_bytes(path.read_bytes())
    path = next(
        path
        for path in sorted(folder_of(tmp_path).glob("model-*.safetensors"))
        if "layers.0" in str(load_file(path).keys())
    )
    tensors = load_file(path)
    name = next(name for name in tensors if "layers.0" in name)
    kept = tensors if change == "unused" else {other: one for other, one in tensors.items() if other != name}
    save_file(
        kept | ({"audio_tower.extra": tensors[name].clone()} if change == "unused" else {}), path, {"format": "pt"}
    )
    with pytest.raises(WeightsError, match=f"tensors .*{says}: .*{'extra' if change == 'unused' else 'layers.0'}"):
        Encoder(EncoderParams(NAME, REVISION, DIM, shards=shards), WeightSource(WeightOptions(tmp_path))).load("cpu")


def test_settings_that_make_no_sense_are_refused():
    for wrong in ({"num_frames": 1}, {"short_px": 0}, {"clip_s": 0.0}, {"rate_hz": 0}):
        with pytest.raises(ValueError, match="num_frames must be at least 2, short_px, clip_s and rate_hz above 0"):
            Params(NAME, REVISION, DIM, **wrong)
    with pytest.raises(ValueError, match="max_tokens must be at least 1"):
        EncoderParams(NAME, REVISION, DIM, 0)
