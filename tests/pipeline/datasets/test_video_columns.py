import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.datasets import video_columns
from pipeline.datasets.annotations import Caption
from pipeline.datasets.video import Video
from pipeline.datasets.video_columns import Columns, gather, pack
from pipeline.datasets.videos import Listed
from pipeline.errors import DamagedError, NewerVersionError
from tests.pipeline.datasets.some_videos import some

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
CAPTION = st.builds(Caption, TEXT, st.lists(TEXT, max_size=2).map(tuple))
VIDEO = st.builds(
    Video,
    video_id=TEXT,
    content=TEXT,
    split=st.sampled_from(["train", "val", ""]),
    captions=st.lists(CAPTION, max_size=3).map(tuple),
    duration_s=st.floats(allow_nan=False),
    has_video=st.booleans(),
    has_audio=st.booleans(),
    has_subtitles=st.booleans(),
    note=TEXT,
    problem=TEXT,
    seekable=st.booleans(),
    stamps=st.lists(st.integers(-1, 2**63 - 1), max_size=4).map(tuple),
)


@pytest.fixture
def groups_of_three(monkeypatch):
    monkeypatch.setattr(video_columns, "GROUP", 3)


JUDGED = st.builds(
    Caption,
    TEXT,
    id=TEXT,
    grade=st.integers(1, 1000),
    windows_s=st.lists(st.tuples(st.floats(0, 1e3), st.floats(0, 1e3)), max_size=2).map(tuple),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(JUDGED, max_size=3).map(tuple), max_size=5))
def test_captions_with_grades_and_windows_are_packed_and_unpacked_without_a_change(captions):
    listed = [dataclasses.replace(video, captions=one) for video, one in zip(some(5), captions, strict=False)]
    packed = pack(listed, has_asked=True)
    assert list(packed) == listed
    assert packed.column("captions") == [video.captions for video in listed]
    assert list(packed.texts()) == [caption.text for video in listed for caption in video.captions]


@settings(max_examples=100, deadline=None)
@given(st.lists(VIDEO, max_size=9))
def test_any_videos_are_packed_and_unpacked_without_a_change(listed):
    with pytest.MonkeyPatch.context() as small:
        small.setattr(video_columns, "GROUP", 3)
        packed = pack(listed)
    assert list(packed) == listed
    for field in dataclasses.fields(Video):
        assert packed.column(field.name) == [getattr(video, field.name) for video in listed]
    types = {type(value) for video in packed for value in dataclasses.astuple(video)}
    assert types <= {str, tuple, float, bool}


def test_of_a_split_whose_first_videos_are_enough_no_others_are_made(monkeypatch):
    monkeypatch.setattr(video_columns, "PIECE", 3)
    made, video = [], video_columns.Video
    packed = pack(some(60))
    monkeypatch.setattr(video_columns, "Video", lambda *values: made.append(values[0]) or video(*values))
    found = packed.of_split("val")
    assert next(found).video_id == next(one.video_id for one in some(60) if one.split == "val" and one.captions)
    assert len(made) == 3


def test_many_videos_are_packed_and_few_are_not(monkeypatch):
    monkeypatch.setattr(video_columns, "FEW", 4)
    few, many = gather(iter(some(4))), gather(iter(some(5)))
    assert (type(few), type(many)) == (Listed, Columns)
    assert (list(few), list(many)) == (some(4), some(5))


def test_few_of_many_videos_are_objects_at_a_time(groups_of_three, monkeypatch):
    alive, most = [0], [0]

    class Counted(Video):
        __slots__ = ()

        def __new__(cls, *args, **kwargs):
            alive[0] += 1
            most[0] = max(most[0], alive[0])
            return super().__new__(cls)

        def __del__(self):
            alive[0] -= 1

    def made():
        for video in some(300):
            yield Counted(*(getattr(video, field.name) for field in dataclasses.fields(Video)))

    packed = pack(made())
    assert most[0] < 10
    monkeypatch.setattr(video_columns, "Video", Counted)
    assert sum(1 for _ in packed) == 300
    assert most[0] < 10


def test_a_table_of_groups_of_another_size_is_read(groups_of_three, monkeypatch):
    packed = pack(some(10))
    monkeypatch.setattr(video_columns, "GROUP", 4)
    assert [packed[at] for at in range(10)] == some(10)


def test_a_column_that_this_version_does_not_know_is_told(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"video_id": ["a"], "colour": ["red"]}), tmp_path / "table")
    with pytest.raises(NewerVersionError, match="unknown column 'colour'"):
        Columns(pa.OSFile(str(tmp_path / "table")), tmp_path / "table")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no table at all", b"PAR1" * 100])
def test_what_is_no_table_is_damage(tmp_path, content):
    import pyarrow as pa

    (tmp_path / "table").write_bytes(content)
    with pytest.raises(DamagedError, match="table cannot be read"):
        Columns(pa.OSFile(str(tmp_path / "table")), tmp_path / "table")
