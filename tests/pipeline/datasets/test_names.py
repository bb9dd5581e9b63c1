import unicodedata
from pathlib import Path

import pytest

from pipeline.datasets.names import (
    VIDEO_SUFFIXES,
    Names,
    ending_of,
    has_no_suffix,
    has_video_suffix,
    normal_form,
    plain_name,
    suffix_or_stem,
)
from pipeline.remote_files.places import folder_of

FILES = ["Été/Café.MP4", "sub/my clip.mp4", "a.mp4", "v1.5", "x%20y.mkv"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (unicodedata.normalize("NFD", "Été/Café.MP4"), "Été/Café.MP4"),
        ("Été\\Café.mp4", "Été/Café.MP4"),
        ("./a.MP4", "a.mp4"),
        (".\\sub\\my clip.mp4", "sub/my clip.mp4"),
        ("sub//./my clip.mp4 ", "sub/my clip.mp4"),
        (" a.mp4\u00a0", "a.mp4"),
        ("\u202asub/\ufeffmy clip.mp4", "sub/my clip.mp4"),
        ("my%20clip.mp4", "sub/my clip.mp4"),
        ("sub%2Fmy%20clip", "sub/my clip.mp4"),
        ("%C3%89t%C3%A9/Caf%C3%A9.mp4", "Été/Café.MP4"),
        ("x%20y", "x%20y.mkv"),
        ("Café", "Été/Café.MP4"),
        ("v1.5", "v1.5"),
    ],
)
def test_a_name_is_found_however_it_is_written(written, meant):
    assert Names(FILES).find(written) == {meant}
    decomposed = [unicodedata.normalize("NFD", name) for name in FILES]
    assert Names(decomposed).find(written) == {unicodedata.normalize("NFD", meant)}


def test_a_path_through_the_folder_of_the_videos_is_found(tmp_path, monkeypatch):
    (tmp_path / "my videos").mkdir()
    (tmp_path / "link").symlink_to("my videos")
    for root in (tmp_path / "my videos", tmp_path / "link"):
        names = Names(FILES, root)
        for before in (tmp_path / "my videos", root, f"{root}/.".replace("/", "\\")):
            assert names.find(f"{before}/sub/my clip.MP4") == {"sub/my clip.mp4"}
            assert names.find(f"{before}/a") == {"a.mp4"}
        assert names.find(f"{tmp_path}/others/a.mp4") == set()
    monkeypatch.chdir(tmp_path)
    assert Names(FILES, Path("my videos")).find("my videos/a.mp4") == {"a.mp4"}


def test_an_address_of_a_video_is_found_where_the_folder_stands_for_it(tmp_path):
    bucket = Names(FILES, folder_of("s3://box/of mine", tmp_path))
    assert bucket.find("s3://box/of mine/sub/my clip.mp4") == {"sub/my clip.mp4"}
    assert bucket.find("s3://box/of%20mine/sub/my%20clip.mp4") == {"sub/my clip.mp4"}
    assert bucket.find("s3://box/of mine/a") == bucket.find("a.mp4") == {"a.mp4"}
    for other in ("s3://other/of mine/a.mp4", "gs://box/of mine/a.mp4", "s3://box/a.mp4", "s3://box/of mine/b.mp4"):
        assert bucket.find(other) == set()
    assert Names(FILES, tmp_path).find("s3://box/of mine/a.mp4") == set()


def test_an_address_in_a_list_is_found_also_with_another_signature(tmp_path):
    (tmp_path / "videos.txt").write_text("https://A.org/x/a%20b.mp4\ns3://box/c.mp4\n")
    names = Names(["a.org/x/a b.mp4", "box/c.mp4"], folder_of(str(tmp_path / "videos.txt"), tmp_path / "data"))
    assert names.find("https://a.org/x/a%20b.mp4?X-Amz-Signature=1") == {"a.org/x/a b.mp4"}
    assert names.find("s3://box/c.mp4") == {"box/c.mp4"}
    assert names.find("https://a.org/x/c.mp4") == set()


@pytest.mark.parametrize(
    "name", ["A.mp4", "a.mkv", "v1", "5", "my", "cafe", "../a.mp4", "", ".", "%", "100%", "a.mp4x"]
)
def test_another_name_is_another_video(name):
    assert Names(FILES).find(name) == set()


def test_the_name_as_it_is_written_comes_first():
    names = Names(["é.mp4", "e\u0301.mp4", "a.mp4", "a.MP4", "b.mp4/b.mp4", "b.mp4", "%61.mp4"])
    for name in ("é.mp4", "e\u0301.mp4", "a.mp4", "a.MP4", "b.mp4", "%61.mp4"):
        assert names.find(name) == {name}
    assert names.find("a.Mp4") == {"a.mp4", "a.MP4"} == names.twins("a.mp4")
    assert names.twins("b.mp4") == {"b.mp4"}


def test_a_stem_may_mean_several():
    assert Names(["a/x.mp4", "b/x.mp4"]).find("x") == {"a/x.mp4", "b/x.mp4"}


@pytest.mark.parametrize(
    ("video_id", "name"),
    [
        ("TrainValVideo/video0.mp4", "video0"),
        ("1010_TITANIC_00.41.32.072-00.41.40.264.avi", "1010_TITANIC_00.41.32.072-00.41.40.264"),
        ("1010_TITANIC_00.41.32.072-00.41.40.264", "1010_TITANIC_00.41.32.072-00.41.40.264"),
        ("clip.MOV", "clip"),
        ("clip.hevc.mp4", "clip"),
    ],
)
def test_the_plain_name_has_no_suffix_and_keeps_what_only_looks_like_one(video_id, name):
    assert plain_name(video_id) == name


def test_the_suffixes_that_people_reported_are_known():
    suffixes = "qt 3g2 m2v dv mpe y4m insv mp4v m1v mjpeg mts trp tp webm ivf h264 264 hevc mp4 mkv avi mov flv ts mpg"
    assert {f".{name}" for name in suffixes.split()} <= VIDEO_SUFFIXES
    assert has_video_suffix("A.QT") and has_video_suffix("a.mp4 ") and not has_video_suffix("a.txt")


@pytest.mark.parametrize(("name", "expected"), [("clip", True), ("v1.5", True), ("x.mp4?dl=1", True), ("a.txt", False)])
def test_what_has_no_suffix(name, expected):
    assert has_no_suffix(name) == expected


def test_the_normal_form_keeps_the_case_of_all_but_the_suffix():
    assert normal_form(".\\Dir/AbC.MoV ") == "Dir/AbC.mov"
    assert normal_form("V1.B") == "V1.b"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.SRT", ".srt"),
        ("a.mp4.part ", ".part"),
        ("README", "readme"),
        ("v1_5-x", "v1_5-x"),
        ("1.5", ""),
        ("café", ""),
        ("a b", ""),
        ("273.\u212a", ""),
    ],
)
def test_an_ending_is_what_all_spellings_of_a_name_have_in_common(name, expected):
    assert suffix_or_stem(name) == expected


def test_many_files_of_one_name_in_as_many_folders_are_indexed_in_linear_time():
    """Counted in letters that are copied: each list of ids is added to, not made anew."""
    names = Names([f"{number}/video.mp4" for number in range(200_000)])
    assert len(names.find("video")) == 200_000
    assert names.find("77/video") == {"77/video.mp4"}


@pytest.mark.parametrize("name", ["a.mp4", "a.b.MP4", "x.srt", "12.30.45", "clip.264", " .mp4", "mp4", "a.mp4 ", "a."])
def test_an_ending_stands_for_all_names_that_end_so_or_is_not_told(name):
    ending = ending_of(name)
    assert not ending or name.endswith(ending)
    if ending:
        for other in (name, f"x{ending}", f"y.z{ending}"):
            assert has_video_suffix(other) == has_video_suffix(name)
            assert not has_no_suffix(other)
            assert suffix_or_stem(other) == ending.lower()
    assert bool(ending) == (name in {"a.mp4", "a.b.MP4", "x.srt"})


@pytest.mark.parametrize(
    "source", ["s3://box/c/*.mp4", "s3://box/c/k{0..1}.mp4", "/home/me/c/*.mp4", "/home/me/c/?.tar"]
)
def test_a_whole_address_or_path_is_found_where_videos_are_a_pattern(tmp_path, source):
    names = Names(["k0.mp4", "d/k1.mp4"], folder_of(source, tmp_path))
    below = source.rpartition("/")[0]
    assert names.find(f"{below}/k0.mp4") == names.find(f"{below}/k0") == {"k0.mp4"}
    assert names.find(f"{below}/d/k1.mp4") == {"d/k1.mp4"}
    assert names.find(f"{below}x/k0.mp4") == names.find("s3://other/c/k0.mp4") == set()


def test_an_address_is_found_where_videos_are_a_table_of_addresses(tmp_path):
    names = Names(["a.org/x/a.mp4", "box/c.mp4"], folder_of(str(tmp_path / "t.parquet"), tmp_path / "data"))
    assert names.find("https://a.org/x/a.mp4?X-Amz-Signature=1") == {"a.org/x/a.mp4"}
    assert names.find("s3://box/c.mp4") == {"box/c.mp4"}
    assert names.find("https://b.org/x/a.mp4") == set()


def test_a_key_of_a_tar_may_have_folders_and_a_name_below_a_plain_folder_has_all_or_none(tmp_path):
    ids = ["s-0/d/e/a.mp4", "s-0/x.y/a.mp4", "s-1/d/e/a.mp4", "s-1/d/b.mp4"]
    packed = Names(ids, folder_of(str(tmp_path / "s-{0,1}.tar"), tmp_path / "data"))
    assert packed.find("d/b") == packed.find("d/b.mp4") == packed.find("d\\b.MP4") == {ids[3]}
    assert packed.find("x.y/a") == {ids[1]}
    assert packed.find("d/e/a") == packed.find("e/a.mp4") == {ids[0], ids[2]}, "as an ambiguous stem is"
    assert packed.find("s-0/d/e/a") == {ids[0]} and packed.find("a") == set(ids[:3])
    assert packed.find("y/a") == packed.find("o/d/b") == set()
    same = Names(["d/a.mp4", "s/d/a.mp4"], folder_of(str(tmp_path / "*/*.mp4"), tmp_path / "data"))
    assert same.find("d/a") == {"d/a.mp4"}, "all folders come before some of them"
    assert Names(ids, tmp_path).find("d/b") == set() and Names(ids, tmp_path).find("b") == {ids[3]}
