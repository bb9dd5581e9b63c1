import hashlib
import os

import pytest

from pipeline.datasets.files import find_videos
from pipeline.datasets.stamps import has_changed, stamps_of
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
