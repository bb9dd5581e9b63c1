import numpy as np
import pytest
import torch

from extractors import image_text, registry
from extractors.image_text import Encoder, EncoderParams, Expert, Params
from extractors.networks.aligned import unit_length
from pipeline import config
from pipeline.errors import WeightsError
from tests.extractors.reference import SEEDED, seeded
from tests.extractors.run_experts import EXPERTS, named

NAME = "ViT-B-32.openai"


def test_a_frame_is_cut_or_squashed_as_the_network_was_trained():
    cut, squashed = (Expert(Params(NAME, 512, 224, squash=squash)).need for squash in (False, True))
    assert (cut.short_px, cut.crop_px, cut.size_px) == (224, 224, None)
    assert (squashed.short_px, squashed.crop_px, squashed.size_px) == (None, None, (224, 224))


def test_both_towers_lie_in_one_file():
    expert, encoder = Expert(Params(NAME, 512, 224)), Encoder(EncoderParams(NAME, 512))
    assert expert.weight_files() == encoder.weight_files()
    assert expert.weights == {"network": f"open_clip {NAME}"}


def test_a_network_that_nobody_has_is_one_clear_line():
    with pytest.raises(WeightsError, match="it knows openai"):
        Expert(Params("ViT-B-32.nobody", 512, 224)).weight_files()
    with pytest.raises(ValueError, match="must be <network>"):
        Params("ViT-B-32", 512, 224)


def test_vectors_are_divided_by_their_length():
    np.testing.assert_allclose(unit_length(np.array([[3, 4], [0, 0]], np.float32)), [[0.6, 0.8], [0, 0]])


@pytest.mark.slow
def test_frames_and_captions_lie_in_one_space():
    torch.set_num_threads(1)
    expert = seeded(image_text, network=NAME, dim=512, size_px=224)
    encoder = Encoder(EncoderParams(NAME, 512), SEEDED)
    encoder.load("cpu")
    frames = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3)).astype(np.uint8)
    seen, said = expert.embed(frames).values, encoder.encode(["a cat", "two dogs run"])
    assert seen.shape == (2, 512)
    assert [vectors.shape for vectors in said] == [(1, 512), (1, 512)]
    np.testing.assert_allclose(np.linalg.norm(np.concatenate([seen, *said]), axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(["a cat"])[0], said[0], atol=1e-5)


@pytest.mark.parametrize(
    "name", [name for name in config.names(EXPERTS) if named(name).config.extractor == "image_text"]
)
def test_an_expert_and_the_text_encoder_of_its_name_are_two_towers_of_one_network(name):
    expert = registry.expert(name, EXPERTS)
    text = registry.text(name, EXPERTS.parent / "text")
    assert text.config.encoder == "image_text"
    assert text.encoder.params.network == expert.extractor.params.network
    assert text.encoder.dim == expert.extractor.dim
    assert expert.extractor.weight_files().items() <= text.encoder.weight_files().items()
