import io
import tarfile
import zipfile

import cv2
import numpy as np
import pytest

from pipeline.media.signatures import NUM_BYTES, is_text, is_video, read_head, what_is
from tests.clips import make_clip

CONTAINERS = {
    "mp4": {},
    "mov": {},
    "3gp": {"sound": None},
    "mkv": {},
    "webm": {"codec": "libvpx"},
    "avi": {"codec": "mpeg4"},
    "ts": {},
    "m2ts": {"codec": "mpeg2video"},
    "mpg": {"codec": "mpeg2video", "sound": None},
    "m2v": {"codec": "mpeg2video", "sound": None},
    "flv": {"codec": "flv", "sound": None},
    "wmv": {"codec": "wmv2", "sound": None},
    "y4m": {"codec": "wrapped_avframe", "sound": None},
    "ivf": {"codec": "libvpx", "sound": None},
    "h264": {"sound": None},
    "hevc": {"codec": "libx265", "sound": None},
    "nut": {"codec": "mpeg4"},
    "mxf": {"codec": "mpeg2video", "sound": None},
}


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_a_video_of_every_container_is_known_by_its_first_bytes(tmp_path, suffix):
    path = make_clip(tmp_path / f"clip.{suffix}", seconds=0.4, fps=25, **CONTAINERS[suffix])
    head = read_head(path)
    assert is_video(head)
    assert not is_text(head)


def picture(suffix):
    return cv2.imencode(suffix, np.zeros((8, 8, 3), np.uint8))[1].tobytes()


def archive():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        file.writestr("a", "b")
    return data.getvalue()


def tar():
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as file:
        file.addfile(tarfile.TarInfo("a"))
    return data.getvalue()


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", "an empty file"),
        (b"\0" * 5000, "nothing but zero bytes"),
        (b"A plain note.\n", "a text file"),
        ("Ein größerer Text".encode(), "a text file"),
        ("Ein größerer Text".encode("latin-1"), "a text file"),
        ("text".encode("utf-16"), "a text file"),
        (b"G" * 5000, "a text file"),
        ((b"G" + b"a" * 187) * 20, "a text file"),
        (b"BMW is a car", "a text file"),
        (b"MZ, a name", "a text file"),
        (b"    free the\nwhales", "a text file"),
        (b"\n <!DOCTYPE html>\n<html><body>404</body>", "a web page"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "a PDF"),
        (picture(".png"), "an image (PNG)"),
        (picture(".jpg"), "an image (JPEG)"),
        (picture(".bmp"), "an image (BMP)"),
        (picture(".webp"), "an image (WebP)"),
        (picture(".tiff"), "an image (TIFF)"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "an image or sound"),
        (archive(), "an archive (zip)"),
        (tar(), "an archive (tar)"),
        (bytes(range(1, 256)) * 4, ""),
    ],
)
def test_what_is_no_video_is_none_and_told(head, kind):
    assert not is_video(head[:NUM_BYTES])
    assert what_is(head[:NUM_BYTES]) == kind


def test_sound_is_no_video(tmp_path):
    for name in ("a.wav", "a.mp3", "a.ogg"):
        make_clip(tmp_path / name, codec="", sound_codec="libopus" if name == "a.ogg" else "")
        assert not is_video(read_head(tmp_path / name))


def test_a_character_that_is_cut_off_at_the_end_is_text():
    assert is_text(("x" * (NUM_BYTES - 1) + "é").encode()[:NUM_BYTES])


def test_random_bytes_are_no_video():
    random = np.random.default_rng(0)
    assert not any(is_video(random.bytes(NUM_BYTES)) for _ in range(2000))
