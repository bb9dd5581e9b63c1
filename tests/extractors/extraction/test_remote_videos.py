"""Videos on a web server give the rows that they give on the disk, and each fault there is a row or ends the run."""

import dataclasses
import os

import numpy as np
import pytest

from extractors.extraction import segments, views
from pipeline.datasets.clips import clip_content
from pipeline.datasets.files import inspect_files
from pipeline.datasets.manifest import Video
from pipeline.datasets.video_files import find_videos
from pipeline.errors import OutageError
from pipeline.media.audio import read_sound
from pipeline.media.subtitles import read_subtitles
from pipeline.media.video import frames_at, probe
from pipeline.remote_files import reader
from tests.clips import make_clip
from tests.extractors.run_experts import features_of, named, row_of, run_pass
from tests.inline_jobs import inline_jobs
from tests.remote_folder import RANGES, WHOLE, remote_folder

RGB, SPEECH, SOUND = named("rgb_light"), named("speech_light"), named("audio_light")
BLOCK = 4096


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(reader, "BLOCK_BYTES", BLOCK)
    views._cached_probe.cache_clear()
    reader.faults.clear()


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Clips in many containers; the index of an .mp4 lies at its end."""
    folder = tmp_path_factory.mktemp("clips")
    for name in ("a.mp4", "a.mkv", "a.avi", "a.ts", "a.mov", "a.webm"):
        make_clip(folder / name, seconds=3, codec="libvpx" if name.endswith("webm") else "libx264")
    make_clip(folder / "raw.h264", seconds=1, sound=None)
    make_clip(folder / "mjpeg.mjpeg", seconds=1, sound=None, codec="mjpeg", pixels="yuvj420p")
    (folder / "a.srt").write_text("1\n00:00:00,000 --> 00:00:02,000\nHello there\n")
    make_clip(folder / "suffixless.mp4", seconds=1).rename(folder / "suffixless")
    return folder


@pytest.fixture
def served(clips, web_server):
    for path in clips.iterdir():
        os.link(path, web_server.folder / path.name)
    return web_server


def manifest(folder, cache):
    """(path, video) of each video of a folder, as a manifest lists them."""
    files = find_videos(folder)
    with inline_jobs():
        infos = inspect_files(files, cache, 1, 60.0)
    facts = [dataclasses.asdict(infos[file.video_id]) for file in files]
    return [
        (file.path, Video(file.video_id, split="", captions=(), stamps=file.stamps, **fact))
        for file, fact in zip(files, facts, strict=True)
    ]


@pytest.mark.parametrize("reading", [WHOLE, RANGES], ids=["whole", "by ranges"])
def test_features_are_the_same_bytes_as_of_a_folder(clips, served, tmp_path, reading):
    here = manifest(clips, tmp_path / "here.sqlite")
    there = manifest(remote_folder(served, tmp_path, reading), tmp_path / "there.sqlite")
    assert len(here) == len(there) == 9
    for (_, one), (_, other) in zip(here, there, strict=True):
        assert not one.problem
        assert dataclasses.replace(one, content="", stamps=()) == dataclasses.replace(other, content="", stamps=())
        assert one.content != other.content  # nobody has read the bytes: the key says so
    for videos, store in ((here, "a"), (there, "b")):
        assert run_pass([RGB, SPEECH, SOUND], videos, tmp_path / store) == {}
    for (_, one), (_, other) in zip(here, there, strict=True):
        for expert in (RGB, SPEECH, SOUND):
            assert row_of(tmp_path / "a", expert, one).reason == row_of(tmp_path / "b", expert, other).reason
            first, second = (
                features_of(tmp_path / store, expert, video) for store, video in (("a", one), ("b", other))
            )
            assert first.values.tobytes() == second.values.tobytes()
            assert first.times_s.tobytes() == second.times_s.tobytes()


def test_a_clip_of_a_remote_file_has_the_bytes_of_one_on_the_disk(clips, served, tmp_path):
    """By ranges: of a long file only what the clip needs is asked for."""
    span = {"file": "a.mp4", "span_s": (1.0, 2.5), "duration_s": 1.5}
    found = []
    for folder, store in ((clips, "a"), (remote_folder(served, tmp_path, RANGES), "b")):
        path, whole = next(one for one in manifest(folder, tmp_path / f"{store}.sqlite") if one[0].name == "a.mp4")
        clip = dataclasses.replace(whole, content=clip_content(whole.content, span["span_s"]), **span)
        assert run_pass([RGB, SPEECH, SOUND], [(path, clip)], tmp_path / store) == {}
        found.append([features_of(tmp_path / store, expert, clip) for expert in (RGB, SPEECH, SOUND)])
        assert row_of(tmp_path / store, RGB, clip).count == 3
    for first, second in zip(*found, strict=True):
        assert first.values.tobytes() == second.values.tobytes()
        assert first.times_s.tobytes() == second.times_s.tobytes()


def test_a_reading_in_segments_asks_for_each_block_once(served, tmp_path):
    path = remote_folder(served, tmp_path, RANGES) / "a.mp4"
    size = (served.folder / "a.mp4").stat().st_size
    served.requests.clear()
    info = probe(path)
    for start_s in range(3):
        assert len(list(frames_at(path, np.arange(start_s, start_s + 1, 0.2), info))) == 5
        read_sound(path, 16_000, start_s, start_s + 1)
    assert served.sent("a.mp4") == size
    assert len(served.requests) == -(-size // BLOCK)


def test_a_picture_from_the_middle_of_a_file_costs_its_two_ends_and_that_place(served, tmp_path):
    from search.pages.posters import poster

    make_clip(served.folder / "long.mp4", seconds=60, fps=10, size=(320, 240))
    path = remote_folder(served, tmp_path, RANGES) / "long.mp4"
    size = (served.folder / "long.mp4").stat().st_size
    served.requests.clear()
    assert poster(path, 30.0)[:2] == b"\xff\xd8"
    assert served.sent() < size / 3


def test_subtitles_beside_a_video_are_read(served, tmp_path):
    words = read_subtitles(remote_folder(served, tmp_path) / "a.mp4").words
    assert [word.text for word in words] == ["Hello", "there"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("404", "404"), ("403", "403"), ("html", "another one"), ("stall", "no byte for"), ("500", "500"),
        ("redirect:file:///etc/passwd", "redirect"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("reading", [WHOLE, RANGES], ids=["whole", "by ranges"])
def test_a_fault_of_one_video_is_a_row_with_its_reason_and_the_others_have_theirs(
    served, tmp_path, fault, reason, reading
):
    videos = manifest(remote_folder(served, tmp_path, reading), tmp_path / "files.sqlite")[:2]
    for cached in (tmp_path / "data" / "cache" / "bytes").rglob("*"):
        if cached.is_file():
            cached.unlink()
    served.faults["a.mkv"] = {fault}
    views._cached_probe.cache_clear()
    assert run_pass([RGB], videos, tmp_path / "store") == {}
    rows = {video.video_id: row_of(tmp_path / "store", RGB, video) for _, video in videos}
    assert rows["a.avi"].count > 0
    assert rows["a.mkv"].failed and reason in rows["a.mkv"].reason


def test_a_transfer_that_breaks_off_within_a_file_is_never_a_shorter_video(served, tmp_path):
    """libavformat takes an error of a read for the end of the file."""
    root = remote_folder(served, tmp_path, RANGES)
    for name in ("a.ts", "a.mkv", "a.mp4", "a.avi"):
        served.faults.clear()
        info = probe(root / name)
        for block in (tmp_path / "data" / "cache" / "bytes").rglob("*-[1-9]*"):
            block.unlink()
        served.faults[name] = {"404"}
        segment = segments.Segment(root / name, "key", 0, (RGB.id,))
        with pytest.raises((OSError, AssertionError), match="404"):
            views._cached_probe.cache_clear()
            prepared = views.prepare_segment(segment)["rgb_light"]
            assert not prepared.failed, prepared.note
        assert info.has_video


def test_a_file_that_changes_between_listing_and_reading_is_a_row_that_says_so(served, tmp_path):
    videos = [one for one in manifest(remote_folder(served, tmp_path, RANGES), tmp_path / "files.sqlite")
              if one[1].video_id == "a.mkv"]  # fmt: skip
    for block in (tmp_path / "data" / "cache" / "bytes").rglob("*-*"):
        block.unlink()
    (served.folder / "a.mkv").unlink()
    make_clip(served.folder / "a.mkv", seconds=2)
    views._cached_probe.cache_clear()
    assert run_pass([RGB], videos, tmp_path / "store") == {}
    assert "another one than when it was listed" in row_of(tmp_path / "store", RGB, videos[0][1]).reason


def test_a_server_that_is_gone_ends_the_run_and_fails_no_video(served, tmp_path, monkeypatch):
    videos = manifest(remote_folder(served, tmp_path, RANGES), tmp_path / "files.sqlite")[:3]
    for block in (tmp_path / "data" / "cache" / "bytes").rglob("*-*"):
        block.unlink()
    served.faults |= {video.video_id: {"503"} for _, video in videos}
    views._cached_probe.cache_clear()
    with pytest.raises(OutageError, match="503"):
        run_pass([RGB], videos, tmp_path / "store")
    assert not list((tmp_path / "store").rglob("*.zarr"))
    served.faults.clear()
    assert run_pass([RGB], videos, tmp_path / "store") == {}
    assert all(row_of(tmp_path / "store", RGB, video).count > 0 for _, video in videos)


def test_a_video_with_a_promised_hash_has_the_key_of_a_local_file(served, clips, tmp_path):
    import hashlib

    from pipeline.remote_files.places import folder_of

    digest = hashlib.sha256((clips / "a.mp4").read_bytes()).hexdigest()
    wrong = hashlib.sha256(b"").hexdigest()
    lines = [f"{digest}  {served.address}/a.mp4", f"{served.address}/a.srt", f"{wrong}  {served.address}/a.mov"]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    for reading in (WHOLE, RANGES):
        videos = manifest(
            folder_of(str(tmp_path / "list.txt"), tmp_path / "data", reading), tmp_path / f"{reading.whole_mb}"
        )
        there = {video.video_id.rpartition("/")[2]: video for _, video in videos}
        here = {video.video_id: video for _, video in manifest(clips, tmp_path / "here")}
        assert there["a.mp4"].content == here["a.mp4"].content
        assert "not the one in the list" in there["a.mov"].problem


def test_a_file_of_a_server_that_states_no_version_is_hashed(served, clips, tmp_path):
    served.headers |= {"a.mov": {"ETag": "", "Last-Modified": ""}}
    there = {video.video_id: video for _, video in manifest(remote_folder(served, tmp_path), tmp_path / "there")}
    here = {video.video_id: video for _, video in manifest(clips, tmp_path / "here")}
    # Its subtitles, which are of the same name, are told by their versions.
    assert there["a.mov"].content == here["a.mov"].content


def test_subtitles_that_are_not_there_cost_no_video_and_are_told(served, tmp_path):
    from pipeline.remote_files.places import folder_of

    names = ("a.mp4", "a.srt", "nothing")
    (tmp_path / "list.txt").write_text("".join(f"{served.address}/{name}\n" for name in names))
    served.faults["a.srt"] = {"404"}
    videos = manifest(folder_of(str(tmp_path / "list.txt"), tmp_path / "data", WHOLE), tmp_path / "files")
    there = {video.video_id.rpartition("/")[2]: video for _, video in videos}
    assert there["a.mp4"].problem == "" and "a.srt: " in there["a.mp4"].note and "404" in there["a.mp4"].note
    assert "404" in there["nothing"].problem  # a line of a list is meant to be a video, whatever its name


def test_two_looks_at_once_leave_one_whole_tree(served, tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    from pipeline.remote_files.look import refresh

    root = remote_folder(served, tmp_path, WHOLE)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: refresh(root, []), range(8)))
    assert len(find_videos(root)) == 9
