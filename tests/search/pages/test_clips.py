import io
from urllib.parse import unquote

import av
import pytest
from fastapi.testclient import TestClient

from pipeline.errors import DecodeError
from search.index.folder import key_of
from search.pages.app import create_app
from search.pages.clips import Clip, attachment
from tests.clips import make_clip, number_in
from tests.search.pages import film
from tests.search.pages.film import FILM, SIGN

FPS, GOP_S = 10, 2


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """12 s of numbered frames, with a key frame every 2 s."""
    return make_clip(tmp_path_factory.mktemp("long") / "a.mp4", seconds=12.0, fps=FPS, gop=FPS * GOP_S)


def numbers(piece: bytes) -> list[int]:
    with av.open(io.BytesIO(piece)) as container:
        return [number_in(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def packets(source) -> list[bytes]:
    with av.open(source) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def test_a_clip_begins_with_the_key_frame_before_it_and_is_not_encoded_anew(long):
    piece = Clip(long, 5.0, 8.0)()
    shown = numbers(piece)
    assert shown[0] == 4 * FPS
    assert 8 * FPS - 1 <= shown[-1] <= 8 * FPS + 3  # pictures are packed in another order than they are shown in
    whole = packets(str(long))
    at = whole.index(packets(io.BytesIO(piece))[0])
    assert packets(io.BytesIO(piece)) == whole[at : at + len(shown)]


def test_a_clip_holds_the_sound_of_its_pictures(long):
    with av.open(io.BytesIO(Clip(long, 4.0, 8.0)())) as container:
        assert float(container.duration / 1e6) == pytest.approx(4.0, abs=0.3)
        assert {stream.type for stream in container.streams} == {"video", "audio"}
        sound = [float(one.pts * one.time_base) for one in container.decode(audio=0)]
    assert sound[0] == pytest.approx(0, abs=0.1)
    assert sound[-1] == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("a.avi", {"codec": "mpeg4", "sound_codec": "libmp3lame"}),
        ("a.webm", {"codec": "libvpx", "sound_codec": "libopus"}),
        ("a.mkv", {"sound_codec": "pcm_s16le"}),
        ("a.ts", {}),
        ("a.mp4", {"gop": 1000, "seconds": 40.0}),
    ],
)
def test_what_an_mp4_does_not_hold_and_what_has_no_key_frame_near_is_encoded_anew(tmp_path, name, more):
    source = make_clip(tmp_path / name, **{"seconds": 4.0, "fps": FPS} | more)
    from_s = 30.0 if "gop" in more else 1.0
    piece = Clip(source, from_s, from_s + 1.0)()
    shown = numbers(piece)
    assert len(shown) == FPS
    assert abs(shown[0] - from_s * FPS) <= 1
    with av.open(io.BytesIO(piece)) as container:
        assert container.streams.video[0].codec_context.codec.canonical_name == "h264"


def test_what_is_no_video_is_refused(tmp_path):
    (tmp_path / "noise.mp4").write_bytes(b"\0" * 4000)
    with pytest.raises(DecodeError, match=r"noise\.mp4"):
        Clip(tmp_path / "noise.mp4", 0.0, 1.0)()


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    return TestClient(create_app(film.make(tmp_path_factory.mktemp("film"))), base_url="http://127.0.0.1")


def test_it_is_saved_under_the_name_of_its_video(client):
    answer = client.get(f"/media/{key_of(SIGN)}/clip?from_s=1&to_s=2.5")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    name = unquote(answer.headers["content-disposition"].removeprefix("attachment; filename*=UTF-8''"))
    assert name == "sign 1.0-2.5 s.mp4"


@pytest.mark.parametrize(
    "asked",
    ["from_s=2&to_s=1", "from_s=-1&to_s=1", "from_s=nan&to_s=1", "from_s=0", "from_s=40&to_s=50", "from_s=0&to_s=inf"],
)
def test_a_clip_that_makes_no_sense_is_refused(client, asked):
    told = client.get(f"/media/{key_of(FILM)}/clip?{asked}")
    assert told.status_code == (200 if "inf" in asked else 422)  # up to the end of the 30 s


def test_a_hostile_name_stays_one_header():
    header = attachment('a"\r\nSet-Cookie: b=c/☂.mp4')
    assert header.isascii() and header.isprintable()
    assert unquote(header.partition("''")[2]) == 'a"\r\nSet-Cookie: b=c_☂.mp4'
