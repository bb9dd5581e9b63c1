import math

import av
import numpy as np
import pytest

from pipeline.media.mono import MAX_LEVEL, MonoMixer

HALF = math.sqrt(0.5)
WEIGHTS = {
    "mono": [1],
    "stereo": [0.5, 0.5],
    "downmix": [0.5, 0.5],
    "2 channels": [0.5, 0.5],
    "2.1": [HALF, HALF, 0],
    "3.0": [HALF, HALF, 1],
    "quad": [HALF, HALF, 0.5, 0.5],
    "4.0": [HALF, HALF, 1, 0.5],
    "5.0": [HALF, HALF, 1, 0.5, 0.5],
    "5.1": [HALF, HALF, 1, 0, 0.5, 0.5],
    "5.1(side)": [HALF, HALF, 1, 0, 0.5, 0.5],
    "6 channels": [HALF, HALF, 1, 0, 0.5, 0.5],
    "6.1": [HALF, HALF, 1, 0, 0.5, 0.5, 0.5],
    "7.1": [HALF, HALF, 1, 0, 0.5, 0.5, 0.5, 0.5],
    "8 channels": [HALF, HALF, 1, 0, 0.5, 0.5, 0.5, 0.5],
    "7.1(wide)": [HALF, HALF, 1, 0, 0.5, 0.5, HALF, HALF],
    "9 channels": [1 / 9] * 9,
    "ambisonic 1": [1, 0, 0, 0],
}
"""Those of ITU-R BS.775 with a centre of 1, and the mean of two channels."""


def frame(samples, layout="mono", sample_format="flt", rate_hz=48000):
    """An audio frame of samples (C, S), packed."""
    packed = np.ascontiguousarray(samples.T.reshape(1, -1))
    made = av.AudioFrame.from_ndarray(packed, format=sample_format, layout=layout)
    made.sample_rate = rate_hz
    return made


@pytest.mark.parametrize("layout", WEIGHTS)
def test_each_channel_has_the_weight_of_its_place(layout):
    weights = np.array(WEIGHTS[layout])
    clicks = np.eye(len(weights), dtype=np.float32) * 0.5
    mixed = MonoMixer().mix(frame(clicks, layout)).samples
    np.testing.assert_allclose(mixed, weights * 0.5, atol=1e-6)


@pytest.mark.parametrize(
    ("sample_format", "dtype", "zero", "full"),
    [
        ("u8", np.uint8, 128, 128),
        ("s16", np.int16, 0, 2**15),
        ("s32", np.int32, 0, 2**31),
        ("flt", np.float32, 0, 1),
        ("dbl", np.float64, 0, 1),
    ],
)
@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
def test_all_sample_formats_are_of_one_scale(sample_format, dtype, zero, full, layout):
    num = av.AudioLayout(layout).nb_channels
    levels = np.array([0.5, -0.5, 0.25, 0])
    clicks = np.zeros((num, 4))
    clicks[min(num - 1, 2)] = levels  # the centre of 5.1
    mixed = MonoMixer().mix(frame((clicks * full + zero).astype(dtype), layout, sample_format)).samples
    np.testing.assert_allclose(mixed, levels * (0.5 if layout == "stereo" else 1), atol=1e-6)


def test_the_kind_of_the_frames_may_change():
    mixer = MonoMixer()
    loud = np.full((1, 8), 0.5, np.float32)
    kinds = [
        ("mono", 48000),
        ("stereo", 48000),
        ("5.1", 44100),
        ("9 channels", 8000),
        ("mono", 44100),
        ("stereo", 48000),
    ]
    for layout, rate_hz in kinds:
        num = av.AudioLayout(layout).nb_channels
        mixed = mixer.mix(frame(np.repeat(loud, num, axis=0), layout, rate_hz=rate_hz)).samples
        np.testing.assert_allclose(mixed, np.full(8, 0.5 * sum(WEIGHTS[layout])), atol=1e-6)
    integers = mixer.mix(frame((loud * 2**15).astype(np.int16), sample_format="s16"))
    np.testing.assert_allclose(integers.samples, loud[0], atol=1e-6)


def test_what_is_no_number_is_silence_and_what_is_absurd_is_cut_off():
    mixer = MonoMixer()
    mixed = mixer.mix(frame(np.array([[0.5, np.nan, np.inf, -np.inf, 1e30, -1e30, 1.5]], np.float32)))
    assert mixed.samples.tolist() == [0.5, 0, 0, 0, MAX_LEVEL, -MAX_LEVEL, 1.5]
    assert (mixed.num_invalid, mixed.num_clipped) == (3, 2)
    mixed = mixer.mix(frame(np.array([[0.5, 3e38, 1], [np.nan, 3e38, 1]], np.float32), "stereo"))
    assert (mixed.samples.tolist(), mixed.num_invalid, mixed.num_clipped) == ([0, 0, 1], 2, 0)
    mixed = mixer.mix(frame(np.array([[1e300, 0.5]]), sample_format="dbl"))
    assert (mixed.samples.tolist(), mixed.num_invalid, mixed.num_clipped) == ([0, 0.5], 1, 0)


def test_eight_planar_channels_do_not_crash(tmp_path):
    """PyAV 18 crashes when it looks at eight planes or more; decoders of 7.1 sound return planes."""
    path = tmp_path / "a.mka"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="7.1")
        stream.bit_rate = 1_000_000
        tone = 0.25 * np.sin(2 * np.pi * 440 * np.arange(48000) / 48000)
        channels = np.zeros((8, 48000), np.float32)
        channels[2] = tone
        for first in range(0, 48000, 1024):
            made = frame(channels[:, first : first + 1024], "7.1")
            made.pts = first
            container.mux(stream.encode(made))
        container.mux(stream.encode())
    mixer = MonoMixer()
    with av.open(str(path)) as container:
        mixed = np.concatenate([mixer.mix(decoded).samples for decoded in container.decode(audio=0)])
    assert np.sqrt(np.mean(mixed[8192:40960] ** 2)) == pytest.approx(0.25 * HALF, rel=0.02)
