import numpy as np
import pytest

from extractors import vggish
from extractors.vggish import INPUT_S, RATE_HZ, Params, log_mel
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
