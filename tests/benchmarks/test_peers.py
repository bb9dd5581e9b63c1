import json

import av
import pytest

from benchmarks.peers import FPS, retime, table
from tests.clips import make_clip


@pytest.mark.parametrize("ticks", ["", "30"])
def test_frames_are_put_on_the_clock_and_none_is_lost(tmp_path, ticks):
    """Also from a file that counts in whole frames of its own 30 a second."""
    make_clip(tmp_path / "clip.mp4", seconds=2, fps=30)
    options = {"video_track_timescale": ticks} if ticks else {}
    with av.open(tmp_path / "clip.mp4") as clip, av.open(tmp_path / "given.mp4", "w", options=options) as given:
        stream = given.add_stream_from_template(clip.streams.video[0])
        for packet in clip.demux(video=0):
            packet.stream = stream
            if packet.dts is not None:  # the last one flushes
                given.mux(packet)
    retime(tmp_path / "given.mp4", tmp_path / "made.mp4")
    with av.open(tmp_path / "made.mp4") as made:
        times_s = [float(frame.pts * frame.time_base) for frame in made.decode(video=0)]
    assert len(times_s) == 60
    assert all(abs(time_s - number / FPS) < 1e-3 for number, time_s in enumerate(times_s))


def test_the_table_has_medians_and_the_ratio_of_each_round(tmp_path):
    runs = {
        "ours": [{"cpu_s": cpu_s, "peak_mb": 1000} for cpu_s in (1.0, 2.0, 6.0)],
        "plain": [{"cpu_s": cpu_s, "peak_mb": 1500} for cpu_s in (4.0, 4.0, 8.0)],
    }
    told = {"machine": {"cpu": "Some CPU", "cores": 2}, "videos": ["a.mp4"], "networks": {"vggish": runs}}
    (tmp_path / "peers.json").write_text(json.dumps(told))
    lines = table(tmp_path / "peers.json").splitlines()
    assert lines[2] == "| VGGish | 2.0 | 4.0 | 0.50 | 1,000 | 1,500 |"
    assert "Some CPU" in lines[-1]
