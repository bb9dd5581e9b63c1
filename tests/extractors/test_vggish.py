import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from extractors import vggish
from extractors.networks.vggish import VGGish
from extractors.vggish import INPUT_S, RATE_HZ, Params, log_mel
from pipeline.weights.files import WeightFile, WeightOptions, WeightSource
from pipeline.weights.seeded import fill
from tests.clips import tone
from tests.extractors.reference import (
    REFERENCE,
    distance,
    items,
    of_peer,
    relative_l2,
    seeded,
    wave,
    with_reference,
)  # fmt: skip


def test_it_hears_and_says_what_video_features_does():
    starts = np.round(np.arange(2) * 0.96 * RATE_HZ).astype(np.int64)
    heard = np.stack([log_mel(wave()[start : start + round(INPUT_S * RATE_HZ)]) for start in starts])
    assert relative_l2(heard, of_peer("vggish_input")) < 1e-5
    assert relative_l2(seeded(vggish).embed(heard).values, of_peer("vggish")) < 1e-5


@with_reference
def test_it_hears_and_says_what_the_reference_does(media):
    expert = seeded(vggish)
    patches = items(expert, media / "videos" / "v_GGSY1Qvo990.mp4")
    assert distance(patches[:18], "v_GGSY_vggish_logmel.npy") < 1e-4
    assert distance(expert.embed(patches[:18]).values, "vggish__v_GGSY1Qvo990_vggish.npy") < 1e-4
    heard = np.load(REFERENCE / "v_GGSY_vggish_logmel.npy")
    assert distance(expert.embed(heard).values, "vggish__v_GGSY1Qvo990_vggish.npy") < 1e-5


def test_a_tone_is_loudest_in_the_band_that_holds_it():
    def mel(hz):
        return 1127 * np.log1p(hz / 700)

    edges = np.linspace(mel(125), mel(7500), 66)
    for hz in (300, 1000, 4000):
        band = log_mel(tone(INPUT_S, hz, RATE_HZ)).mean(axis=0).argmax()
        assert edges[band] < mel(hz) < edges[band + 2]


def test_silence_is_the_floor():
    np.testing.assert_allclose(log_mel(np.zeros(round(INPUT_S * RATE_HZ), np.float32)), np.log(0.01), rtol=1e-6)


def test_a_hop_of_nothing_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        Params(hop_s=0.0)


def of_file(folder, tensors, name="a.pth"):
    """The expert on a file of weights that lies in the cache."""
    torch.save(tensors, folder / name)
    file = WeightFile("https://example.org/vggish.pth", place=name)
    return vggish.Expert(Params(), WeightSource(WeightOptions(folder), {"network": file}))


@pytest.mark.parametrize("kind", ["stand-ins", "file"])
def test_without_torch_it_says_the_same(tmp_path, kind):
    slow = seeded(vggish)
    fast = (
        type(slow)(slow.params, slow.source) if kind == "stand-ins" else of_file(tmp_path, fill(VGGish()).state_dict())
    )
    assert fast.load_without_torch()
    heard = of_peer("vggish_input")
    assert not hasattr(fast, "network")
    assert relative_l2(fast.embed(heard).values, of_peer("vggish")) < 1e-5
    np.testing.assert_array_equal(fast.embed(heard).item_index, slow.embed(heard).item_index)


def test_a_file_that_only_torch_can_read_is_left_to_it(tmp_path):
    half = {name: tensor.half() for name, tensor in VGGish().state_dict().items()}
    expert = of_file(tmp_path, half)
    assert not expert.load_without_torch()
    expert.load("cpu")
    assert expert.embed(np.zeros((1, 96, 64), np.float32)).values.shape == (1, 128)


def test_a_batch_on_a_cpu_imports_no_torch():
    script = """if True:
        import sys
        import numpy as np
        from extractors import registry
        from extractors.extraction.batches import Batches
        from pipeline.weights.files import WeightOptions
        batches = Batches(registry.expert("audio", options=WeightOptions(seeded=True)), "cpu")
        batches.load()
        print(batches.embed(np.zeros((2, 96, 64), np.float32)).values.shape, "torch" in sys.modules)
    """
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert told.stdout.strip() == "(2, 128) False"
