import av
import numpy as np

from benchmarks.decoding_videos import FPS, KINDS, SHOT, Kind, pictures, videos


def test_a_video_of_a_kind_has_its_codec_its_size_and_sound_and_is_made_once(tmp_path):
    kind = Kind((160, 120), "libx264", {"preset": "ultrafast", "bf": "3"})
    (path,) = videos(tmp_path, 1.0, (kind,))
    assert path.name == "h264-120p-1s.mp4"
    with av.open(str(path)) as container:
        video, times = container.streams.video[0], [packet.pts for packet in container.demux(video=0) if packet.size]
        assert (video.codec_context.name, video.width, video.height) == ("h264", 160, 120)
        assert len(times) == FPS
        assert times != sorted(times), "B-frames"
        assert len(container.streams.audio) == 1
    made = path.stat().st_mtime_ns
    assert videos(tmp_path, 1.0, (kind,)) == [path]
    assert path.stat().st_mtime_ns == made


def test_pictures_move_are_cut_and_are_neither_flat_nor_noise():
    picture = pictures((320, 240))
    first, next_one, cut = picture(0), picture(1), picture(SHOT)
    assert first.shape == (240, 320, 3)
    moved, jumped = (np.abs(first.astype(int) - other).mean() for other in (next_one, cut))
    assert 2 < moved < 20 < jumped
    assert first.std() > 30
    np.testing.assert_array_equal(first, pictures((320, 240))(0))


def test_every_kind_has_a_name_of_its_own():
    assert len({kind.name for kind in KINDS}) == len(KINDS)
