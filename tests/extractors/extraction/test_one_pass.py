import csv
import dataclasses
import errno
import multiprocessing
import os
import shutil
import threading

import numpy as np
import pytest

from extractors.base import Embedded
from extractors.extraction import expert_run, frame_views, one_pass, segments
from extractors.extraction.batches import Batches
from extractors.extraction.one_pass import Wanted, extract
from pipeline.datasets.manifest import Video
from pipeline.errors import ExtractionError, StoreError
from pipeline.running.worker_pool import Done, Failure
from pipeline.stores import atomic, parts, store
from tests.clips import make_clip, numbered, write_srt
from tests.extractors.faulty_experts import Overridden
from tests.extractors.run_experts import OPTIONS, features_of, named, row_of, run_pass, video_of

LIGHT = ["rgb_light", "speech_light", "audio_light", "flow_light", "scene_light"]
"""Those whose features are made in the decode workers, and are fast."""

NETWORKS = ["face_light", "ocr_light"]


@pytest.fixture(scope="module")
def clips(tmp_path_factory, rich_clip):
    """Clips that differ in size, length, streams and health; one is longer than a segment."""
    folder = tmp_path_factory.mktemp("clips")
    made = [
        make_clip(
            folder / "long.mkv", size=(64, 48), fps=4, seconds=37, picture=lambda i: numbered(i, (64, 48)), gop=60
        ),
        make_clip(folder / "mute.mp4", sound=None, seconds=1),
        make_clip(folder / "small.webm", codec="libvpx-vp9", size=(96, 128), seconds=1.5),
        make_clip(folder / "sound.mp4", codec="", seconds=1),
        make_clip(folder / "one_frame.mp4", seconds=0.04, sound=None),
        make_clip(folder / "cut.mp4", seconds=2, options={"movflags": "+faststart"}),
    ]
    made[-1].write_bytes(made[-1].read_bytes()[: made[-1].stat().st_size * 6 // 10])
    write_srt(folder / "long.srt", [("said early", 1, 3), ("said across the border", 31, 34), ("and late", 35, 36.5)])
    write_srt(folder / "mute.srt", [("not a sound", 0.1, 0.9)])
    (folder / "broken.mp4").write_text("not a video")
    return [rich_clip, *made, folder / "broken.mp4"]


@pytest.fixture(scope="module")
def videos(clips):
    return [(path, video_of(path)) for path in clips]


@pytest.fixture(scope="module")
def together(tmp_path_factory, videos):
    """All light experts in one pass, by worker processes."""
    folder = tmp_path_factory.mktemp("together")
    assert run_pass([named(name) for name in LIGHT], videos, folder, in_process=False) == {}
    return folder


def assert_same(folder, other, name, videos):
    """The same rows with the same bits in two stores."""
    store.forget_scans()
    one, two = store.rows(folder / name), store.rows(other / name)
    assert one.keys() == {video.content for _, video in videos}
    assert one == {key: two[key] for key in one}
    for _, video in videos:
        one, two = features_of(folder, named(name), video), features_of(other, named(name), video)
        assert one.values.tobytes() == two.values.tobytes(), (name, video.video_id)
        assert one.times_s.tobytes() == two.times_s.tobytes(), (name, video.video_id)
        if len(one.values):  # a part in which nobody has a vector has nothing beside it either
            assert {key: beside.tolist() for key, beside in one.extras.items()} == {
                key: beside.tolist() for key, beside in two.extras.items()
            }


@pytest.mark.parametrize("name", LIGHT)
def test_alone_or_fused_gives_the_same_bits(name, together, videos, tmp_path):
    assert run_pass([named(name)], videos, tmp_path) == {}
    assert_same(tmp_path, together, name, videos)


@pytest.mark.slow
def test_networks_too_give_the_same_bits_alone_or_fused(rich_clip, clips, tmp_path):
    some = [(path, video_of(path)) for path in (rich_clip, clips[1])]
    assert run_pass([named(name) for name in [*NETWORKS, "rgb_light"]], some, tmp_path / "fused") == {}
    for name in NETWORKS:
        assert run_pass([named(name)], some, tmp_path / "alone") == {}
        assert_same(tmp_path / "alone", tmp_path / "fused", name, some)


def test_what_each_expert_lacks_may_differ(together, videos, tmp_path):
    for name, lacking in zip(LIGHT, (videos[:3], videos[2:], videos[::2], videos[1::2], []), strict=True):
        have = [item for item in videos if item not in lacking]
        if have:
            run_pass([named(name)], have, tmp_path)
    before = {name: len(store.parts(tmp_path / name)) for name in LIGHT}
    assert run_pass([named(name) for name in LIGHT], videos, tmp_path) == {}
    for name in LIGHT:
        assert_same(tmp_path, together, name, videos)
    assert len(store.parts(tmp_path / "scene_light")) == before["scene_light"], "it lacked nothing"


def test_two_experts_that_need_the_same_share_it(videos, together, tmp_path, monkeypatch):
    twin = dataclasses.replace(named("rgb_light"), name="twin")
    decoded = []
    decode = frame_views.decode_frames
    monkeypatch.setattr(
        frame_views,
        "decode_frames",
        lambda segment, info, grids: decoded.append(len(grids)) or decode(segment, info, grids),
    )
    assert run_pass([named("rgb_light"), twin], videos[:1], tmp_path) == {}
    assert decoded == [1], "one view for both"
    for expert in (named("rgb_light"), twin):
        np.testing.assert_array_equal(
            features_of(tmp_path, expert, videos[0][1]).values,
            features_of(together, named("rgb_light"), videos[0][1]).values,
        )


def test_each_video_is_decoded_once_for_all(videos, tmp_path, monkeypatch):
    opened = []
    shown_at = frame_views.shown_at

    def counted(path, *rest):
        opened.append(path.name)
        return shown_at(path, *rest)

    monkeypatch.setattr(frame_views, "shown_at", counted)
    run_pass([named(name) for name in LIGHT], videos, tmp_path)
    # One a segment; what has no picture or is known to be broken is not opened.
    assert sorted(opened) == sorted(
        ["rich.mkv", "long.mkv", "long.mkv", "mute.mp4", "small.webm", "one_frame.mp4", "cut.mp4"]
    )


def test_rows_say_what_is_absent_what_failed_and_why(together, videos):
    by_name = {path.name: video for path, video in videos}

    def row(clip, expert):
        found = row_of(together, named(expert), by_name[clip])
        return found.count > 0, found.failed, found.reason

    assert row("mute.mp4", "audio_light") == (False, False, "no audio stream")
    assert row("sound.mp4", "rgb_light") == (False, False, "no video stream")
    assert row("sound.mp4", "audio_light") == (True, False, "")
    assert row("small.webm", "speech_light") == (False, False, "")
    assert row("mute.mp4", "speech_light") == (True, False, "")
    present, failed, reason = row("cut.mp4", "rgb_light")
    assert (present, failed) == (True, False)
    assert "frames are in the file" in reason
    for name in LIGHT:
        present, failed, reason = row("broken.mp4", name)
        assert (present, failed) == (False, True)
        assert reason.startswith("broken.mp4: Invalid data")


def test_a_video_longer_than_a_segment_is_seen_to_its_end(together, videos):
    video = next(video for path, video in videos if path.name == "long.mkv")
    rgb = features_of(together, named("rgb_light"), video)
    # 37 seconds at 2 frames a second, on one grid whatever the segments are.
    np.testing.assert_allclose(rgb.times_s[:, 0], np.arange(74) / 2, atol=1e-9)
    audio = features_of(together, named("audio_light"), video)
    np.testing.assert_allclose(audio.times_s[:, 0], np.arange(len(audio.times_s)) * 0.96, atol=1e-9)
    assert 37 / 0.96 - 1 <= len(audio.times_s) <= 37 / 0.96 + 1
    words = features_of(together, named("speech_light"), video)
    assert words.extras["text"].tolist() == ["said", "early", "said", "across", "the", "border", "and", "late"]
    assert np.all(np.diff(words.times_s[:, 0]) > 0)
    flow = features_of(together, named("flow_light"), video)
    np.testing.assert_allclose(np.diff(flow.times_s[:, 0]), 1.0, atol=1e-9)


@pytest.mark.parametrize("name", ["rgb_light", "flow_light", "audio_light"])
def test_where_the_segments_lie_does_not_matter(name, videos, together, tmp_path, monkeypatch):
    """One segment in place of two: what an expert is shown is the same, but for what it judges over all frames."""
    monkeypatch.setattr(segments, "SEGMENT_S", 64.0)
    item = next(item for item in videos if item[0].name == "long.mkv")
    assert run_pass([named(name)], [item], tmp_path) == {}
    one, two = features_of(tmp_path, named(name), item[1]), features_of(together, named(name), item[1])
    # Matroska counts milliseconds, so the sound after a seek may lie one beside where it lay.
    np.testing.assert_allclose(one.times_s, two.times_s, atol=2e-3)
    if name == "flow_light":
        np.testing.assert_array_equal(one.values, two.values)


class Killed(BaseException):
    """A kill, as far as the pass can see one."""


@pytest.mark.parametrize("after", [1, 4, 7])
def test_a_kill_half_way_and_a_second_run_give_what_one_run_gives(videos, together, tmp_path, after):
    options = dataclasses.replace(OPTIONS, videos_per_part=2)
    names = ["rgb_light", "speech_light", "audio_light"]
    experts = [named(name) for name in names]

    ends_s = np.cumsum([0 if video.problem else video.duration_s for _, video in videos])

    def kill(done_s, total_s, stage):
        assert total_s == pytest.approx(ends_s[-1])
        if done_s >= ends_s[after - 1] - 1e-6:
            raise Killed

    with pytest.raises(Killed):
        run_pass(experts, videos, tmp_path, options, kill)
    kept = len(store.rows(tmp_path / "rgb_light"))
    assert kept == after // 2 * 2, "all but the part that was being filled"
    seen = []
    assert run_pass(experts, videos, tmp_path, options, lambda *told: seen.append(told[:2])) == {}
    assert seen[-1] == pytest.approx((ends_s[-1] - (ends_s[kept - 1] if kept else 0),) * 2)
    for name in names:
        assert_same(tmp_path, together, name, videos)


@pytest.mark.slow
def test_a_kill_with_workers_leaves_a_store_that_can_be_filled(videos, together, tmp_path):
    options = dataclasses.replace(OPTIONS, videos_per_part=1)

    def kill(done_s, total_s, stage):
        if done_s >= sum(video.duration_s for _, video in videos[:2]) - 1e-6:
            raise Killed

    with pytest.raises(Killed):
        run_pass([named("rgb_light")], videos, tmp_path, options, kill, in_process=False)
    assert not list(tmp_path.rglob(f"{atomic.TEMPORARY}*"))
    assert run_pass([named("rgb_light")], videos, tmp_path, options, in_process=False) == {}
    assert_same(tmp_path, together, "rgb_light", videos)


@pytest.mark.slow
def test_the_size_of_a_part_changes_no_feature(videos, together, tmp_path):
    options = dataclasses.replace(OPTIONS, videos_per_part=3)
    assert run_pass([named("rgb_light")], videos, tmp_path, options) == {}
    good = [part for part in store.parts(tmp_path / "rgb_light") if not store.rows_of(part)[0].failed]
    assert [len(store.rows_of(part)) for part in good].count(3) >= 1
    assert_same(tmp_path, together, "rgb_light", videos)


def test_the_same_content_under_two_names_is_extracted_once(clips, tmp_path):
    twice = [shutil.copy(clips[1], tmp_path / "a.mkv"), shutil.copy(clips[1], tmp_path / "b.mkv")]
    videos = [(path, video_of(path)) for path in twice]
    assert videos[0][1].content == videos[1][1].content
    told = []
    assert run_pass([named("rgb_light")], videos, tmp_path / "store", progress=lambda *seen: told.append(seen)) == {}
    assert told[-1][:2] == (video_of(clips[1]).duration_s,) * 2
    (part,) = store.parts(tmp_path / "store" / "rgb_light")
    assert len(store.rows_of(part)) == 1


def test_nothing_lacking_opens_nothing(videos, tmp_path, monkeypatch):
    monkeypatch.setattr(one_pass, "prepare_piece", None)
    wanted = [Wanted(named("rgb_light"), tmp_path / "rgb_light", frozenset())]
    assert extract(wanted, videos, OPTIONS) == {}
    assert extract([], videos, OPTIONS) == {}
    assert extract(wanted, [], OPTIONS) == {}
    assert not (tmp_path / "rgb_light").exists()


def spoil(name, **wrong):
    expert = named(name)
    return dataclasses.replace(expert, name=f"spoiled_{name}", extractor=Overridden(expert.extractor, **wrong))


def ones(count, dim, **more):
    return Embedded(np.ones((count, dim), np.float32), np.arange(count, dtype=np.int64), **more)


DIM = named("rgb_light").extractor.dim
WRONG = {
    "an error": (lambda items: 1 / 0, "division by zero"),
    "no memory": (lambda items: np.zeros(2**60), "array is too big|allocate"),
    "another length": (lambda items: ones(len(items), 7), r"embed\(\) gave float32 \(\d+, 7\) for \d+ items"),
    "another type": (
        lambda items: dataclasses.replace(ones(len(items), DIM), values=np.ones((len(items), DIM))),
        r"embed\(\) gave float64",
    ),
    "no numbers": (
        lambda items: dataclasses.replace(ones(len(items), DIM), values=np.full((len(items), DIM), np.nan, np.float32)),
        "values that are not finite",
    ),
    "rows of nobody": (
        lambda items: Embedded(np.ones((2, DIM), np.float32), np.array([0, len(items)])),
        r"embed\(\) gave",
    ),
    "rows out of order": (
        lambda items: Embedded(np.ones((2, DIM), np.float32), np.array([1, 0])),
        r"embed\(\) gave",
    ),
    "too few words": (lambda items: ones(len(items), DIM, extras={"text": np.array(["x"])}), "'?text'?"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_an_expert_that_does_wrong_costs_only_itself(kind, videos, together, tmp_path):
    embed, said = WRONG[kind]
    bad = spoil("rgb_light", embed=embed)
    errors = run_pass([bad, named("scene_light"), named("audio_light")], videos[2:5], tmp_path)
    assert errors.keys() == {"spoiled_rgb_light"}
    with pytest.raises(type(errors["spoiled_rgb_light"]), match=said):
        raise errors["spoiled_rgb_light"]
    assert store.rows(tmp_path / "spoiled_rgb_light") == {}
    for name in ("scene_light", "audio_light"):
        assert_same(tmp_path, together, name, videos[2:5])


def test_an_expert_that_cannot_be_loaded_costs_only_itself(videos, together, tmp_path):
    def load(device):
        raise ExtractionError("the package nobody is missing: pip install nobody")

    errors = run_pass([spoil("rgb_light", load=load), named("scene_light")], videos[2:4], tmp_path)
    assert [str(error) for error in errors.values()] == ["the package nobody is missing: pip install nobody"]
    assert_same(tmp_path, together, "scene_light", videos[2:4])


@pytest.mark.parametrize("kind", ["an error", "another number of items"])
def test_an_expert_that_fails_on_what_it_is_shown_costs_only_its_rows(kind, videos, together, tmp_path, monkeypatch):
    from extractors import registry

    rebuild = registry.rebuild

    def prepare(view):
        if kind == "an error":
            raise ValueError("no colour in it")
        return np.zeros((len(view.times_s) + 1, 3))

    def spoiled(expert_id):
        inner = rebuild(expert_id)
        return Overridden(inner, prepare=prepare) if expert_id.name == "rgb_light" else inner

    monkeypatch.setattr(registry, "rebuild", spoiled)
    errors = run_pass([named("rgb_light"), named("audio_light")], videos[2:4], tmp_path)
    assert errors == {}
    for _, video in videos[2:4]:
        row = row_of(tmp_path, named("rgb_light"), video)
        assert row.failed
        assert ("no colour in it" if kind == "an error" else "items for") in row.reason
    assert_same(tmp_path, together, "audio_light", videos[2:4])


def test_what_was_published_before_an_error_is_kept(videos, tmp_path):
    calls = []

    def embed(items):
        calls.append(len(items))
        if len(calls) == 3:
            raise RuntimeError("out of luck")
        return named("rgb_light").extractor.embed(items)

    options = dataclasses.replace(OPTIONS, videos_per_part=1)
    some = [item for item in videos if item[1].has_video]
    bad = spoil("rgb_light", embed=embed)
    assert list(run_pass([bad], some, tmp_path, options)) == [bad.name]
    assert set(store.rows(tmp_path / bad.name)) == {video.content for _, video in some[:2]}


def test_a_full_disk_costs_only_the_expert_whose_store_is_on_it(videos, together, tmp_path, monkeypatch):
    publish = parts.publish

    def full(folder, *rest):
        if folder.name == "rgb_light":
            raise StoreError(f"{folder}: cannot be written: {os.strerror(errno.ENOSPC)}; free some space and run again")
        return publish(folder, *rest)

    monkeypatch.setattr(parts, "publish", full)
    errors = run_pass([named("rgb_light"), named("audio_light")], videos[2:4], tmp_path)
    assert "No space left" in str(errors["rgb_light"])
    assert_same(tmp_path, together, "audio_light", videos[2:4])


def test_a_pass_that_is_over_for_all_ends_early(videos, tmp_path):
    told = []
    bad = spoil("rgb_light", embed=lambda items: 1 / 0)
    options = dataclasses.replace(OPTIONS, videos_per_part=1)
    run_pass([bad], videos, tmp_path, options, lambda *seen: told.append(seen))
    assert told == [], "no use in decoding the rest"


def test_only_a_batch_of_items_waits_at_any_time(videos, tmp_path, monkeypatch):
    waiting, sizes = [], []
    pack = expert_run.ExpertRun._pack

    def counted(self, *item):
        pack(self, *item)
        waiting.append(sum(len(batch) for batch in self._pending.values()))

    def embed(items):
        sizes.append(len(items))
        return named("rgb_light").extractor.embed(items)

    monkeypatch.setattr(expert_run.ExpertRun, "_pack", counted)
    expert = dataclasses.replace(spoil("rgb_light", embed=embed), config=named("rgb_light", batch_size=5).config)
    assert run_pass([expert], videos, tmp_path) == {}
    assert max(waiting) < 5
    assert max(sizes) == 5
    assert sum(sizes) == len(waiting) > 74
    counts = [row_of(tmp_path, expert, video).count for _, video in videos]
    expected = [min(5, count - first) for count in counts for first in range(0, count, 5)]
    assert sizes == expected, "batches are packed across segments, and end with their video"


def test_items_of_several_shapes_are_never_in_one_batch(videos, clips, tmp_path):
    shapes = []
    expert = named("face_light", batch_size=4)
    assert expert.extractor.need.short_px == 240

    def embed(items):
        shapes.append(items.shape)
        return Embedded(np.zeros((0, expert.extractor.dim), np.float32), np.zeros(0, np.int64))

    wide, tall = videos[0], next(item for item in videos if item[0].name == "small.webm")
    bad = dataclasses.replace(expert, extractor=Overridden(expert.extractor, embed=embed, load=lambda device: None))
    assert run_pass([bad], [wide, tall, wide], tmp_path) == {}
    assert {shape[1:] for shape in shapes} == {(240, 320, 3), (320, 240, 3)}


def test_rows_of_a_batch_go_back_to_the_videos_that_they_came_from(videos, tmp_path):
    """Each vector is the number of its item: whoever gets the wrong one is seen."""
    expert = named("rgb_light", batch_size=7)
    seen = []

    def embed(items):
        first = len(seen)
        seen.extend(range(first, first + len(items)))
        # Two rows for even items, none for odd ones.
        index = np.array([i for i in range(len(items)) if (first + i) % 2 == 0 for _ in range(2)], np.int64)
        values = np.zeros((len(index), DIM), np.float32)
        values[:, 0] = first + index
        times = np.tile([[0.0, 0.1], [0.1, 0.2]], (len(index) // 2, 1))
        return Embedded(values, index, {"number": (first + index).astype(np.int32)}, times)

    bad = dataclasses.replace(expert, extractor=Overridden(expert.extractor, embed=embed))
    assert run_pass([bad], videos, tmp_path) == {}
    plain = tmp_path / "plain"
    run_pass([named("rgb_light")], videos, plain)
    first = 0
    for _, video in videos:
        starts_s = features_of(plain, named("rgb_light"), video).times_s[:, 0]
        mine = [number for number in range(first, first + len(starts_s)) if number % 2 == 0]
        kept = features_of(tmp_path, bad, video)
        assert kept.values[:, 0].tolist() == np.repeat(mine, 2).tolist()
        if mine:
            assert kept.extras["number"].tolist() == np.repeat(mine, 2).tolist()
        wanted_s = [starts_s[number - first] + shift for number in mine for shift in (0, 0.1)]
        np.testing.assert_allclose(kept.times_s[:, 0], wanted_s, atol=1e-9)
        first += len(starts_s)


def test_a_worker_that_is_lost_costs_its_segment_and_is_tried_again(videos, tmp_path, monkeypatch):
    """The pool is replaced by one that loses its worker on one file, as the real one does on a crash."""
    tried = []

    def jobs(function, segments, workers, deadline_s, again, idle):
        for segment in segments:
            (one,) = segment.segments
            name = one.path.name
            if name in {"mute.mp4", "long.mkv"} and one.index == 0:
                tried.append((name, one.is_retry))
                second = again(segment)
                tried.append((name, second.segments[0].is_retry))
                assert again(second) is None
                if name == "mute.mp4":
                    yield Done(second, function(second), None)
                else:
                    yield Done(second, None, Failure("gave up after 60 s", died=True))
            else:
                yield Done(segment, function(segment), None)

    monkeypatch.setattr(one_pass, "run_jobs", jobs)
    expert = named("rgb_light")
    wanted = [Wanted(expert, tmp_path / expert.name, frozenset(video.content for _, video in videos))]
    assert extract(wanted, videos, OPTIONS) == {}
    assert tried == [("long.mkv", False), ("long.mkv", True), ("mute.mp4", False), ("mute.mp4", True)]
    by_name = {path.name: row_of(tmp_path, expert, video) for path, video in videos}
    assert (by_name["mute.mp4"].count, by_name["mute.mp4"].failed) == (2, False)
    lost = by_name["long.mkv"]
    assert (lost.count, lost.failed, lost.reason) == (10, False, "part 1: gave up after 60 s"), "the rest is kept"


def test_a_video_of_which_every_segment_is_lost_has_failed(videos, tmp_path, monkeypatch):
    def jobs(function, segments, workers, deadline_s, again, idle):
        return (Done(segment, None, Failure("the decoder crashed (exit code -11)", died=True)) for segment in segments)

    monkeypatch.setattr(one_pass, "run_jobs", jobs)
    item = next(item for item in videos if item[0].name == "long.mkv")
    expert = named("rgb_light")
    wanted = [Wanted(expert, tmp_path / expert.name, frozenset([item[1].content]))]
    assert extract(wanted, [item], OPTIONS) == {}
    row = row_of(tmp_path, expert, item[1])
    assert (row.count, row.failed) == (0, True)
    assert row.reason.startswith("the decoder crashed (exit code -11)")


def test_a_file_that_was_removed_after_it_was_listed_has_failed(clips, tmp_path):
    path = shutil.copy(clips[2], tmp_path / "gone.mp4")
    video = video_of(path)
    path.unlink()
    assert run_pass([named("rgb_light")], [(path, video)], tmp_path / "store", in_process=False) == {}
    row = row_of(tmp_path / "store", named("rgb_light"), video)
    assert row.failed
    assert "No such file" in row.reason


def test_a_video_that_is_known_to_be_broken_is_not_opened(tmp_path, monkeypatch):
    video = Video("x.mp4", "c" * 32, "", (), 0.0, False, False, False, problem="no such file")
    monkeypatch.setattr(one_pass, "prepare_piece", None)
    assert run_pass([named("rgb_light")], [(tmp_path / "x.mp4", video)], tmp_path / "store") == {}
    row = row_of(tmp_path / "store", named("rgb_light"), video)
    assert (row.failed, row.reason) == (True, "no such file")


@pytest.mark.slow
def test_every_bad_file_gives_the_rows_that_it_should(media, tmp_path):
    """A folder of what goes wrong in real collections; what each file must give is written beside it."""
    with (media / "bad" / "expected.csv").open(encoding="utf-8", newline="") as file:
        expected = list(csv.DictReader(file))
    some = [(media / "bad" / row["file"], video_of(media / "bad" / row["file"])) for row in expected]
    experts = [named("rgb_light"), named("audio_light")]
    assert run_pass(experts, some, tmp_path, in_process=False) == {}
    for row, (path, video) in zip(expected, some, strict=True):
        rgb, audio = (row_of(tmp_path, expert, video) for expert in experts)
        assert rgb.failed == audio.failed == row["expect_status"].startswith("error"), path.name
        if rgb.failed:
            assert rgb.reason, path.name
            continue
        assert (rgb.count > 0) == (row["expect_video"] != "no stream"), path.name
        assert (audio.count > 0) == row["expect_audio"].startswith("yes"), path.name
        assert (rgb.reason == "no video stream") == (row["expect_video"] == "no stream"), path.name
        assert (audio.reason == "no audio stream") == (row["expect_audio"] == "no stream"), path.name


def test_what_takes_one_core_is_computed_beside_the_networks_of_others(videos, together, tmp_path):
    """On one thread for both, neither would get what it waits for."""
    meeting = threading.Barrier(2)

    def met(name):
        embed = named(name).extractor.embed

        def wait(items):
            if not met_once.is_set():
                meeting.wait(30)
                met_once.set()
            return embed(items)

        return wait

    met_once = threading.Event()
    beside = spoil("scene_light", embed=met("scene_light"), takes_one_core=True)
    assert run_pass([spoil("rgb_light", embed=met("rgb_light")), beside], videos[:1], tmp_path) == {}
    for name in ("rgb_light", "scene_light"):
        found = parts.read_features(tmp_path / f"spoiled_{name}", videos[0][1].content)
        np.testing.assert_array_equal(found.values, features_of(together, named(name), videos[0][1]).values)


def test_what_takes_one_core_has_no_part_in_what_a_gpu_needs_around_a_batch(videos, tmp_path, monkeypatch):
    devices = {}

    class Seen(Batches):
        def __init__(self, expert, device):
            devices[expert.name] = device
            super().__init__(expert, "cpu")

    monkeypatch.setattr("extractors.extraction.kept.Batches", Seen)
    experts = [named("rgb_light"), spoil("scene_light", takes_one_core=True)]
    assert run_pass(experts, videos[:1], tmp_path, dataclasses.replace(OPTIONS, device="cuda:0")) == {}
    assert devices == {"rgb_light": "cuda:0", "spoiled_scene_light": "cpu"}


def test_the_decode_workers_have_ended_when_the_pass_has(videos, tmp_path):
    before = set(multiprocessing.active_children())
    assert run_pass([named("scene_light")], videos[2:5], tmp_path, in_process=False) == {}
    assert set(multiprocessing.active_children()) <= before
