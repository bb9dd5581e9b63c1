import json

import numpy as np
import pytest
import torch
from transformers import AutoConfig, Qwen3VLForConditionalGeneration

from extractors.base import FrameView, SpreadNeed
from extractors.networks.pretrained import quiet
from extractors.networks.stand_ins import small, stand_in_chat
from extractors.omni_text import INSTRUCTION, Encoder, EncoderParams, Expert, Params
from pipeline.errors import ConfigError
from pipeline.weights.files import WeightOptions, WeightSource
from tests.extractors.hub_folder import NAME, REVISION, folder_of, last_token, num_shards

WIDTH, DIM, FRAMES = 32, 16, 4
TEXTS = ["A dog barks", "zwei Katzen", "a dog barks loudly " * 20]
MAX_TOKENS = 40


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """The model with its head and its processor in several files, as the hub has Qwen's; and the source of weights."""
    cache = tmp_path_factory.mktemp("omni")
    torch.manual_seed(0)
    settings = small("qwen3_vl", Params(NAME, REVISION, WIDTH)) | {"tie_word_embeddings": False}
    with quiet():
        model = Qwen3VLForConditionalGeneration(AutoConfig.for_model("qwen3_vl", **settings)).float().eval()
        folder, processor = folder_of(cache), stand_in_chat()
        model.save_pretrained(folder, max_shard_size="100KB")
        processor.tokenizer.save_pretrained(folder)
        processor.image_processor.save_pretrained(folder)
        written = json.loads((folder / "preprocessor_config.json").read_text())
        processor.video_processor.save_pretrained(folder)
    (folder / "video_preprocessor_config.json").exists() or (folder / "preprocessor_config.json").rename(
        folder / "video_preprocessor_config.json"
    )
    (folder / "preprocessor_config.json").write_text(json.dumps(written))
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": processor.chat_template}))
    return model, WeightSource(WeightOptions(cache, offline=True)), cache, num_shards(cache)


@pytest.fixture(scope="module")
def expert(released):
    made = Expert(Params(NAME, REVISION, DIM, FRAMES, short_px=64, shards=released[3]), released[1])
    made.load("cpu")
    return made


@pytest.fixture(scope="module")
def encoder(released):
    made = Encoder(EncoderParams(NAME, REVISION, DIM, MAX_TOKENS, shards=released[3]), released[1])
    made.load("cpu")
    return made


def turn(content, instruction=INSTRUCTION):
    return (
        f"<|im_start|>system\n{instruction}<|im_end|>\n<|im_start|>user\n{content}<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_text_is_what_the_librarys_own_forward_makes_of_its_turn(released, encoder):
    model, _, cache, _ = released
    for text, vector in zip(TEXTS[:2], encoder.encode(TEXTS[:2]), strict=True):
        assert vector.shape == (1, DIM)
        np.testing.assert_allclose(vector[0], last_token(model, cache, turn(text), DIM), atol=1e-5)


def test_of_a_long_text_the_first_tokens_are_read(encoder):
    long, cut = TEXTS[2], TEXTS[2][:MAX_TOKENS]  # a token is a byte
    np.testing.assert_array_equal(encoder.encode([long])[0], encoder.encode([cut])[0])


def test_frames_are_what_the_librarys_own_forward_makes_of_their_turn(released, expert):
    model, _, cache, _ = released
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, (2 * FRAMES, 64, 96, 3)).astype(np.uint8)
    view = FrameView(frames, np.array([0, FRAMES]), FRAMES, np.array([[0.0, 6.0], [6.0, 9.0]]))
    items = expert.prepare(view)
    found = expert.embed(items).values
    assert found.shape == (2, DIM)
    for number, seconds in enumerate((6.0, 3.0)):
        told = {"total_num_frames": FRAMES, "fps": (FRAMES - 1) / seconds, "frames_indices": [0, 1, 2, 3]}
        shown = {"videos": [items["frames"][number]], "video_metadata": [told], "do_sample_frames": False}
        content = "<|vision_start|><|video_pad|><|vision_end|>"
        expected = last_token(model, cache, turn(content), DIM, **shown, cap_pixels_per_frame=True)
        np.testing.assert_allclose(found[number], expected, atol=1e-5)
    np.testing.assert_array_equal(expert.embed(items[1:]).values, found[1:])


def test_frames_are_spread_over_the_video_with_their_aspect_ratio(expert):
    assert expert.need == SpreadNeed(FRAMES, None, "nearest_ends", 64, "bicubic")


def test_more_numbers_than_the_model_has_are_refused(released):
    wide = Encoder(EncoderParams(NAME, REVISION, WIDTH + 1, shards=released[3]), released[1])
    with pytest.raises(ConfigError, match=f"params.dim: {NAME} has {WIDTH} numbers, not {WIDTH + 1}"):
        wide.load("cpu")


def test_the_checkpoint_has_a_head_that_writes_text_which_may_be_left_over(released):
    """All other tests load it; any other tensor too many is refused, see networks/test_hub_model.py."""
    assert "lm_head.weight" in released[0].state_dict()
    assert (released[3], released[0].config.tie_word_embeddings) == (num_shards(released[2]), False)


@pytest.mark.parametrize("wrong", [{"num_frames": 1}, {"short_px": 0}, {"clip_s": 0.0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="num_frames must be at least 2, short_px and clip_s above 0"):
        Params(NAME, REVISION, DIM, **wrong)
    with pytest.raises(ValueError, match="max_tokens must be at least 1"):
        EncoderParams(NAME, REVISION, DIM, 0)
