import io

import av
import numpy as np
import pytest

from pipeline.doctor import probe_codecs
from pipeline.doctor.probe_codecs import AUDIO, NOT_TRIED, VIDEO


@pytest.mark.parametrize("codec", [*VIDEO, *AUDIO])
def test_a_clip_is_really_in_the_codec_and_decodes_to_what_it_was_made_of(codec):
    clip = probe_codecs._video(codec) if codec in VIDEO else probe_codecs._audio(codec)
    with av.open(io.BytesIO(clip)) as container:
        decoder = container.streams[0].codec_context.codec.canonical_name
        assert decoder == codec
        sizes = {(frame.width, frame.height) for frame in container.decode() if isinstance(frame, av.VideoFrame)}
    assert sizes == ({(128, 128)} if codec in VIDEO else set())
    assert probe_codecs._tried(codec) == ""


def test_a_clip_that_shows_something_else_is_no_success(monkeypatch):
    monkeypatch.setattr(probe_codecs, "GREY", 20)
    clip = probe_codecs._video("h264")
    monkeypatch.setattr(probe_codecs, "GREY", 150)
    assert probe_codecs._decoded(clip) == "decoded to something else"
    silence = io.BytesIO()
    with av.open(silence, "w", format="matroska") as container:
        stream = container.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert probe_codecs._decoded(silence.getvalue()) == "decoded to something else"


def test_a_codec_without_a_decoder_or_an_encoder_is_told_so(monkeypatch):
    monkeypatch.setitem(VIDEO, "no_such_codec", ("libx264", {}))
    assert probe_codecs._tried("no_such_codec") == "no decoder"
    monkeypatch.setitem(VIDEO, "h264", ("no_such_encoder", {}))
    assert probe_codecs._tried("h264") == NOT_TRIED
