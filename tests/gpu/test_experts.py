"""Every expert with a network gives on a GPU, in each precision, what it gives on the CPU in float32."""

import dataclasses
import functools

import numpy as np
import pytest
import torch

from extractors import faces, registry
from extractors.base import FrameNeed
from extractors.extraction.batches import Batches, _precision
from extractors.networks.base import NetworkExtractor
from extractors.networks.placing import array_to_device
from extractors.networks.whisper_decoding import log_mel
from pipeline.errors import ExtractionError
from pipeline.weights.files import WeightOptions
from tests.devices import GPU, gpu_only
from tests.extractors import reference
from tests.extractors.run_experts import EXPERTS

TOLERANCES = {"fp32": 1e-3, "tf32": 3e-2, "bf16": 3e-2}
"""Relative L2. Only fp32 has to be float32: PyTorch's own default for convolutions would be tf32."""
COARSE = {"audio_video_pe": 0.18, "shots": 0.15, "sound_pe": 0.21}
"""In bfloat16, where it is more: three times what was found between it and float32 on a CPU with the stand-ins."""

QUICK = ("rgb_resnet50", "audio", "face_light")
ON_CPU = (*QUICK, "flow", "motion_mvit", "clip_siglip2", "audio_ast", "face", "speech", "ocr")
"""One of each kind: what is tested there is bfloat16, as far as a CPU has it."""
FRAMES = 20
ITEMS = 3


def fresh(name):
    """A shipped expert on stand-ins, not loaded; skipped where its package is not there."""
    try:
        return registry.expert(name, EXPERTS, WeightOptions(seeded=True))
    except ExtractionError as error:
        pytest.skip(str(error))


def has_network(name):
    try:
        expert = registry.expert(name, EXPERTS, WeightOptions(seeded=True)).extractor
    except ExtractionError:  # of a package that is not there
        return False
    return isinstance(expert, (NetworkExtractor, faces.Expert))


NETWORKS = [name for name in sorted(path.stem for path in EXPERTS.glob("*.yaml")) if has_network(name)]


def cases():
    """(name, device, precision): all of them on a GPU, some in bfloat16 on the CPU."""
    for name in NETWORKS:
        if name in ON_CPU:
            yield pytest.param(name, "cpu", "bf16", marks=() if name in QUICK else pytest.mark.slow)
        for precision in TOLERANCES:
            # One process for all of an expert, where several share the work: its stand-ins take long to make.
            yield pytest.param(name, GPU, precision, marks=(*gpu_only, pytest.mark.xdist_group(name)))


@pytest.fixture(scope="module")
def references(rich_clip):
    """Name -> (items, what the expert makes of them on the CPU in float32, its networks)."""

    @functools.lru_cache(maxsize=1)
    def of(name):
        expert = fresh(name)
        load(expert, "cpu")
        need = expert.extractor.need
        num = need.window + FRAMES if isinstance(need, FrameNeed) else None
        items = reference.items(expert.extractor, rich_clip, num)[:ITEMS]
        assert len(items)
        return items, numbers(expert, items, "cpu", "fp32"), expert

    return of


def load(expert, device):
    try:
        expert.extractor.load(device)
        calm(expert.extractor.network if expert.name == "rgb" else None)
    except ModuleNotFoundError as error:
        pytest.skip(f"the package {error.name} is missing")


def calm(network):
    """Lets the blocks of SENet-154 add little to what comes in: its stand-ins grow from block to block, until a change
    of the input by 1e-5 is one of the output by half, also in float64."""
    if network is not None and not hasattr(network, "is_calm"):
        network.is_calm = True
        for name, parameter in network.named_parameters():
            if name.endswith("bn3.weight"):
                parameter.data.mul_(0.05)


def moved(expert, device):
    """The same expert, its networks on the device: to make the stand-ins anew takes long."""
    network = getattr(expert.extractor, "network", None)
    if network is not None:
        expert.extractor.build = lambda: network
    load(expert, device)
    return expert


def numbers(expert, items, device, precision):
    """What can be compared, for what is made of it may be other words altogether, or a face a pixel aside."""
    extractor = expert.extractor
    expert = dataclasses.replace(expert, config=dataclasses.replace(expert.config, precision=precision))
    special = {"face_identity": of_squares, "whisper_speech": of_sound, "easyocr_words": of_letters}
    with _precision(precision, device):
        if compared := special.get(expert.config.extractor):
            return compared(extractor, items)
    batches = Batches(expert, device)
    batches._loaded = True
    return batches.embed(items).values


def of_squares(extractor, items):
    """InceptionResnetV1 on fixed parts of the frames."""
    boxes = [np.array([30.0, 20.0, 150.0, 140.0]), np.array([10.0, 10.0, 90.0, 90.0])]
    crops = np.array([extractor._crop(frame, box) for frame in items for box in boxes], np.float32)
    return extractor.run(crops, lambda faces: faces).values


def of_sound(extractor, items):
    """Whisper's encoder."""
    with torch.inference_mode():
        mel = log_mel(array_to_device(items, extractor.device), extractor.network.dims.n_mels)
        return extractor.network.encoder(mel).float().cpu().numpy()


def of_letters(extractor, items):
    """EasyOCR's detector; all of it has to run."""
    assert np.isfinite(extractor.embed(items).values).all()
    pixels = array_to_device(items, extractor.device).movedim(-1, 1).float() / 255
    with torch.inference_mode():
        return extractor.network(pixels[:, :, :320, :320])[0].cpu().numpy()


@pytest.mark.parametrize(("name", "device", "precision"), list(cases()))
def test_a_network_gives_what_it_gives_on_the_cpu_in_float32(name, device, precision, references):
    items, expected, expert = references(name)
    try:
        expert.extractor.precision = precision  # by which its networks are laid out
        found = numbers(moved(expert, device), items, device, precision)
    finally:
        expert.extractor.precision = "fp32"
        moved(expert, "cpu")
    assert found.shape == expected.shape
    tolerance = COARSE.get(name, TOLERANCES[precision]) if precision == "bf16" else TOLERANCES[precision]
    assert np.linalg.norm(found - expected) <= tolerance * np.linalg.norm(expected)


@pytest.mark.parametrize("device", [pytest.param(GPU, marks=gpu_only), "cpu"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_mtcnn_finds_the_same_faces_in_any_precision(device, precision, references):
    items, _, expert = references("face_light")
    expected, index = expert.extractor.detect(items)
    assert len(index), "the clip has a face"
    try:
        moved(expert, device)
        with _precision(precision, device):
            found, places = expert.extractor.detect(items)
    finally:
        moved(expert, "cpu")
    np.testing.assert_array_equal(places, index)
    np.testing.assert_allclose(found.boxes_px, expected.boxes_px, atol=0.5)
    np.testing.assert_allclose(found.confidence, expected.confidence, atol=1e-3)
