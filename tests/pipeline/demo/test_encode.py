import io
from dataclasses import replace

import av
import numpy as np

from pipeline.demo.encode import encode, srt
from tests.pipeline.demo.red_square import RED_SQUARE

FACTS = replace(
    RED_SQUARE,
    sound="high beep",
    topic="train",
    subtitle="The train is late – déjà vu.",
    subtitle_embedded=True,
)


def test_an_embedded_subtitle_can_be_read_back():
    with av.open(io.BytesIO(encode(FACTS, 320, 240, 6))) as container:
        stream = container.streams.subtitles[0]
        packets = [packet for packet in container.demux(stream) if packet.size > 2]
        (packet,) = packets
        text = stream.decode(packet)[0].dialogue.decode()
        times_s = float(packet.pts * packet.time_base), float((packet.pts + packet.duration) * packet.time_base)
    assert text == FACTS.subtitle
    assert times_s == (0.3, 1.7)


def test_an_srt_holds_number_times_and_text():
    assert srt(FACTS) == f"1\n00:00:00,300 --> 00:00:01,700\n{FACTS.subtitle}\n"
    assert "00:01:01,000" in srt(replace(FACTS, duration_s=61.3))


def test_the_sound_survives_encoding():
    with av.open(io.BytesIO(encode(FACTS, 320, 240, 6))) as container:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    spectrum = np.abs(np.fft.rfft(samples[:44_100]))
    assert 1400 < spectrum.argmax() < 1600
