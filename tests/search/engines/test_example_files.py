import io
import os
import resource
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from extractors import registry
from pipeline.errors import DecodeError
from search.engines.example_files import CLIP, PICTURE, SOUND, read_example, read_here
from search.engines.example_files import ExampleFile as File
from tests.clips import make_clip
from tests.search.example_collection import CONFIGS

EXPERTS = tuple(registry.expert(name, CONFIGS / "experts").id for name in ("rgb_light", "flow_light", "audio_light"))

FRAMES = registry.expert("face_light", CONFIGS / "experts").id
"""An expert whose items are the frames themselves."""


def bomb(width: int, height: int) -> bytes:
    """The head of a PNG of so many pixels, which is no longer than a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(64))) + chunk(b"IEND", b"")


def encoded(picture: np.ndarray, form: str, **settings) -> bytes:
    held = io.BytesIO()
    Image.fromarray(picture).save(held, form, **settings)
    return held.getvalue()


NOISE = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF", "BMP"])
def test_a_picture_is_one_frame_for_those_that_take_single_frames(tmp_path, form):
    (tmp_path / "example").write_bytes(encoded(NOISE, form, **({"lossless": True} if form == "WEBP" else {})))
    read = read_here(File(tmp_path / "example", EXPERTS))
    assert read.kind == PICTURE
    assert len(read.prepared["rgb_light"].items) == 1
    assert [read.prepared[name].note for name in ("flow_light", "audio_light")] == [
        "a picture does not move",
        "a picture is silent",
    ]


def test_a_picture_is_upright_and_what_is_transparent_is_black(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    tall = np.zeros((40, 80, 4), np.uint8)
    tall[:, :40] = 255
    held = io.BytesIO()
    Image.fromarray(tall).save(held, "PNG", exif=exif)
    (tmp_path / "example").write_bytes(held.getvalue())
    (frame,) = read_here(File(tmp_path / "example", (FRAMES,))).prepared["face_light"].items
    assert frame.shape[0] > frame.shape[1], "turned"
    assert (frame[: frame.shape[0] // 3] > 200).all()
    assert (frame[-frame.shape[0] // 3 :] < 20).all()


def test_clips_and_sounds_are_read_as_videos_are(tmp_path):
    make_clip(tmp_path / "clip.mp4", seconds=2)
    make_clip(tmp_path / "sound.mp3", codec="", cover=False)
    clip = read_here(File(tmp_path / "clip.mp4", EXPERTS))
    assert clip.kind == CLIP
    assert all(len(clip.prepared[expert.name].items) for expert in EXPERTS)
    sound = read_here(File(tmp_path / "sound.mp3", EXPERTS))
    assert sound.kind == SOUND
    assert len(sound.prepared["audio_light"].items) > 0
    assert sound.prepared["rgb_light"].note == "no video stream"


def workers() -> set[str]:
    """The child processes of this one, but for multiprocessing's resource tracker, which stays."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text, command = status.read_text(), status.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if f"PPid:\t{os.getpid()}\n" in text and b"resource_tracker" not in command:
            found.add(status.parent.name)
    return found


HOSTILE = {
    "text": b"not a picture at all, but a text",
    "zeros": bytes(5000),
    "markup": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "a bomb": bomb(100_000, 100_000),
    "a smaller bomb": bomb(9000, 9000),
    "truncated": encoded(NOISE, "PNG")[:2000],
    "half a JPEG": encoded(NOISE, "JPEG")[:700],
    "a head alone": b"\x89PNG\r\n\x1a\n",
    "a broken clip": b"\x00\x00\x00\x18ftypmp42" + os.urandom(3000),
    "a playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n",
    "a list of files": b"ffconcat version 1.0\nfile /etc/hostname\n",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_example_is_one_line_and_leaves_no_process(tmp_path, body):
    (tmp_path / "example").write_bytes(body)
    before = workers()
    with pytest.raises(DecodeError) as raised:
        read_example(tmp_path / "example", EXPERTS)
    told = str(raised.value)
    assert told.startswith("This is no picture, sound or clip that can be read")
    assert "\n" not in told
    assert str(tmp_path) not in told
    assert workers() <= before


def test_the_limit_of_memory_is_that_of_the_process_that_reads_and_of_no_other(tmp_path):
    (tmp_path / "example").write_bytes(encoded(NOISE, "PNG"))
    before = resource.getrlimit(resource.RLIMIT_AS)
    read_here(File(tmp_path / "example", EXPERTS))
    read_example(tmp_path / "example", EXPERTS)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
