import hashlib
import os

import pytest

from pipeline.datasets.stamps import content_of, has_changed, stamps_of
from pipeline.datasets.video_files import find_videos
from pipeline.media.sidecars import sidecars
from tests.clips import write_srt


def replace_bytes(path):
    """Other bytes of the same number."""
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda path: None, False),
        (lambda path: os.utime(path, ns=(1, 1)), False),
        (lambda path: os.utime(path.with_suffix(".srt"), ns=(1, 1)), False),
        (lambda path: path.write_bytes(path.read_bytes() + b"more"), True),
        (replace_bytes, True),
        (lambda path: replace_bytes(path.with_suffix(".srt")), True),
        (lambda path: path.with_suffix(".srt").unlink(), True),
        (lambda path: path.unlink(), True),
    ],
    ids=["nothing", "touched", "subtitles touched", "longer", "other bytes", "other words", "no words", "gone"],
)
def test_a_file_has_changed_when_its_bytes_or_its_subtitles_have(tmp_path, change, expected):
    path = tmp_path / "a.mp4"
    path.write_bytes(bytes(range(256)))
    write_srt(tmp_path / "a.srt", [("word", 0, 1)])
    (found,) = find_videos(tmp_path)
    assert found.stamps == stamps_of(path)
    digests = "+".join(hashlib.sha256(each.read_bytes()).hexdigest() for each in (path, tmp_path / "a.srt"))
    content = hashlib.sha256(digests.encode()).hexdigest()[:32]
    change(path)
    assert has_changed(path, found.stamps, content) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda folder: None, False),
        (lambda folder: os.utime(folder / "a.de.srt", ns=(1, 1)), False),
        (lambda folder: replace_bytes(folder / "a.de.srt"), True),
        (lambda folder: replace_bytes(folder / "a.en.srt"), True),
        (lambda folder: (folder / "a.de.srt").unlink(), True),
        (lambda folder: (folder / "a.de.srt").rename(folder / "a.fr.srt"), True),
        (lambda folder: write_srt(folder / "a.forced.srt", [("sign", 0, 1)]), True),
        (lambda folder: write_srt(folder / "a.srt", [("word", 0, 1)]), True),
        (lambda folder: write_srt(folder / "b.en.srt", [("word", 0, 1)]), False),
    ],
    ids=["nothing", "touched", "other words", "the first", "gone", "renamed", "forced", "another", "another video's"],
)
def test_a_file_has_changed_when_any_of_several_subtitles_has(tmp_path, change, expected):
    path = tmp_path / "a.mp4"
    path.write_bytes(bytes(range(256)))
    write_srt(tmp_path / "a.en.srt", [("word", 0, 1)])
    write_srt(tmp_path / "a.de.srt", [("wort", 0, 1)])
    (found,) = find_videos(tmp_path)
    content = content_of(path, found.sidecars)
    change(tmp_path)
    assert has_changed(path, found.stamps, content) == expected


def test_the_language_in_a_name_is_a_part_of_the_content_and_the_name_of_the_video_is_none(tmp_path):
    contents = []
    for number, name in enumerate(("a.srt", "a.en.srt", "a.de.srt", "b.de.srt", "b.vtt")):
        folder = tmp_path / str(number)
        folder.mkdir()
        video = folder / f"{name[0]}.mp4"
        video.write_bytes(b"video")
        write_srt(folder / name, [("word", 0, 1)])
        contents.append(content_of(video, sidecars(video)))
    plain, english, german, german_b, vtt = contents
    assert len({plain, english, german}) == 3
    assert (german, plain) == (german_b, vtt)
