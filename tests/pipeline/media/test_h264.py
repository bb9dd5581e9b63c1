import av
import numpy as np
import pytest

from pipeline.media.h264 import has_only_frames
from tests.clips import make_clip


def header_of(path):
    with av.open(str(path)) as container:
        return container.streams.video[0].codec_context.extradata


ENCODERS = [
    {},
    {"profile": "baseline", "bf": "0"},
    {"profile": "high"},
    {"x264-params": "cqm=jvt"},
    {"x264-params": "vbv-maxrate=500:vbv-bufsize=500:nal-hrd=cbr"},
]


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p10le", "yuv444p", "yuvj420p"])
@pytest.mark.parametrize("encoder", ENCODERS, ids=str)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_progressive_stream_has_only_frames(tmp_path, name, encoder, pixels):
    if encoder.get("profile") and pixels != "yuv420p":
        pytest.skip("these profiles know 4:2:0 with 8 bits alone")
    path = make_clip(tmp_path / name, sound=None, seconds=0.2, encoder=encoder, pixels=pixels, size=(176, 144))
    assert has_only_frames(header_of(path))


@pytest.mark.parametrize("encoder", [{}, {"x264-params": "cqm=jvt:tff=1"}], ids=str)
@pytest.mark.parametrize("kind", ["tff=1", "bff=1", "fake-interlaced=1"])
def test_a_stream_that_may_have_fields_is_told(tmp_path, kind, encoder):
    """fake-interlaced: progressive frames in a stream that would allow fields."""
    options = encoder.get("x264-params", kind)
    path = make_clip(tmp_path / "a.mp4", sound=None, seconds=0.2, encoder={"x264-params": options})
    assert not has_only_frames(header_of(path))


def test_a_header_of_another_kind_rules_nothing_out(tmp_path):
    assert not has_only_frames(None)
    assert not has_only_frames(b"")
    assert not has_only_frames(header_of(make_clip(tmp_path / "a.ts", sound=None, seconds=0.2)))
    assert not has_only_frames(header_of(make_clip(tmp_path / "a.mp4", codec="mpeg4", sound=None, seconds=0.2)))


def test_a_damaged_header_is_no_crash(tmp_path):
    header = header_of(make_clip(tmp_path / "a.mp4", sound=None, seconds=0.2, encoder={"x264-params": "cqm=jvt"}))
    assert has_only_frames(header)
    for length in range(len(header)):
        has_only_frames(header[:length])
    rng = np.random.default_rng(0)
    for _ in range(500):
        damaged = bytearray(header)
        damaged[rng.integers(len(header))] = rng.integers(256)
        assert has_only_frames(bytes(damaged)) in {True, False}
