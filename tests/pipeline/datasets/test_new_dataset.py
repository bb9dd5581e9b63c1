"""The YAML and the numbers of a new dataset."""

import csv

import pytest

from pipeline.datasets.annotations import load_dataset, read_annotations
from pipeline.datasets.new_dataset import Options, write_dataset
from pipeline.errors import AnnotationError, ConfigError, OutageError
from tasks.plan.layout import Layout
from tests.pipeline.packed.test_tars import tar_of

STRANGE = ["ünï cödé 日本語 'q' \"dq\" $(x) ;& #%20.mp4", "-rf.mp4", "two\nlines.mkv"]
STRANGE += ["a/clip.mp4", "b/clip.mp4", "{x}: [y].webm"]


@pytest.fixture
def videos(tmp_path):
    root = tmp_path / "my: {videos} #1"
    for name in STRANGE:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def layout_of(tmp_path):
    return Layout(tmp_path / "data", tmp_path / "configs")


def describe(tmp_path, videos, captions="", name="mine"):
    return write_dataset(name, str(videos), str(captions), "ce_light", layout_of(tmp_path))


def load(tmp_path, name="mine"):
    return load_dataset(name, tmp_path / "configs" / "datasets")


def test_a_folder_without_captions_becomes_a_dataset_to_search(tmp_path, videos):
    made = describe(tmp_path, videos)
    assert (made.num_videos, made.num_captioned, made.splits) == (6, 0, {})
    assert load(tmp_path).videos == str(videos)
    assert load(tmp_path).captions is None


def test_how_many_files_may_be_unreadable_is_written_down(tmp_path, videos):
    write_dataset("mine", str(videos), "", "ce_light", layout_of(tmp_path), Options(max_failed_fraction=1.0))
    describe(tmp_path, videos, name="strict")
    assert load(tmp_path).max_failed_fraction == 1.0
    assert load(tmp_path, "strict").max_failed_fraction == 0.25


def test_every_strange_name_gets_its_captions_from_a_table(tmp_path, videos):
    with (tmp_path / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["video", "caption", "split"], *([name, "x", "train"] for name in STRANGE)])
    made = describe(tmp_path, videos, tmp_path / "captions.csv")
    assert (made.num_captioned, made.splits, made.unknown) == (6, {"train": 6, "val": 0, "test": 0}, ())
    assert len(read_annotations(load(tmp_path))) == 6


def test_what_no_caption_names_is_left_out_where_that_is_asked_for(tmp_path, videos):
    (tmp_path / "c.csv").write_text("video,caption\n-rf,x\n-rf,y\ngone.mp4,z\n", encoding="utf-8")
    only = Options(only_named=True)
    made = write_dataset("few", str(videos), str(tmp_path / "c.csv"), "ce_light", layout_of(tmp_path), only)
    assert (made.num_videos, made.num_captioned, made.unknown) == (1, 1, ("gone.mp4",))
    assert load(tmp_path, "few").only_named
    describe(tmp_path, videos, tmp_path / "c.csv")
    assert not load(tmp_path).only_named
    with pytest.raises(ConfigError, match="--only-named leaves out what captions do not name, and there are none"):
        write_dataset("none", str(videos), "", "ce_light", layout_of(tmp_path), only)


def test_text_files_beside_the_videos_are_found(tmp_path, videos):
    (videos / "a" / "clip.txt").write_text("one\ntwo\n")
    (videos / "b" / "clip.txt").write_text("three")
    made = describe(tmp_path, videos)
    assert made.num_captioned == 2
    assert load(tmp_path).captions == "*.txt"
    assert {name: len(one.captions) for name, one in read_annotations(load(tmp_path)).items()} == {
        "a/clip.mp4": 2, "b/clip.mp4": 1,
    }  # fmt: skip


def test_json_lines_are_taken_and_names_that_fit_no_video_are_told(tmp_path, videos):
    (tmp_path / "c.jsonl").write_text('{"video": "a/clip", "caption": "x"}\n{"video": "gone", "caption": "y"}\n')
    made = describe(tmp_path, videos, tmp_path / "c.jsonl")
    assert (made.num_captioned, made.unknown) == (1, ("gone",))


def test_captions_of_other_videos_are_refused_and_nothing_is_written(tmp_path, videos):
    (tmp_path / "c.csv").write_text("video,caption\nother,x\n")
    with pytest.raises(AnnotationError, match="names 'other' and others, none of which is in"):
        describe(tmp_path, videos, tmp_path / "c.csv")
    assert not (tmp_path / "configs").exists()


def test_a_dataset_that_is_there_is_never_overwritten(tmp_path, videos):
    describe(tmp_path, videos)
    before = (tmp_path / "configs" / "datasets" / "mine.yaml").read_text()
    with pytest.raises(ConfigError, match=r"mine\.yaml is there already; edit it, or choose another --name"):
        describe(tmp_path, videos)
    assert (tmp_path / "configs" / "datasets" / "mine.yaml").read_text() == before


@pytest.mark.parametrize("name", ["", "../mine", "a/b", ".hidden", "-x", "mine.yaml", "m\nine", "ünï"])
def test_a_name_that_is_no_file_name_everywhere_is_refused(tmp_path, videos, name):
    with pytest.raises(ConfigError, match="letters, digits, - and _ only"):
        describe(tmp_path, videos, name=name)


def test_an_empty_or_missing_folder_is_told(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(AnnotationError, match="no videos there, at any depth"):
        describe(tmp_path, tmp_path / "empty")
    with pytest.raises(AnnotationError, match="no such folder"):
        describe(tmp_path, tmp_path / "gone")


def test_a_list_of_addresses_is_a_dataset_and_so_are_captions_that_lie_elsewhere(web_server, tmp_path):
    for name in ("one.mp4", "two.mp4"):
        (web_server.folder / name).write_bytes(b"x")
    (web_server.folder / "captions.csv").write_text("video,caption,split\none,a cat,train\ntwo,a dog,test\n")
    source = tmp_path / "all.txt"
    source.write_text(f"{web_server.address}/one.mp4\n{web_server.address}/two.mp4\n{web_server.address}/../x.mp4\n")
    made = describe(tmp_path, source, f"{web_server.address}/captions.csv")
    assert (made.num_videos, made.num_captioned) == (2, 2)
    assert "left out" in made.warnings[0]
    written = load(tmp_path)
    assert (written.videos, written.captions) == (str(source), f"{web_server.address}/captions.csv")


def test_a_server_that_is_not_there_is_told_and_nothing_is_written(tmp_path, monkeypatch, web_server):
    (tmp_path / "all.txt").write_text("http://127.0.0.1:9/one.mp4\n")
    with pytest.raises(OutageError, match="does not answer"):
        describe(tmp_path, tmp_path / "all.txt")
    assert not (tmp_path / "configs").exists()


def test_clips_are_counted_by_the_files_that_they_are_of(tmp_path, videos):
    rows = [
        ("a/clip.mp4", 0, 1, "x", "train"),
        ("a/clip", 1, 2, "x", "test"),
        ("a/clip", 3, 4, "", ""),
        ("gone", 0, 1, "x", ""),
    ]
    with (tmp_path / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("video", "start_s", "end_s", "caption", "split"), *rows])
    made = describe(tmp_path, videos, tmp_path / "captions.csv")
    assert (made.num_videos, made.num_clips, made.num_captioned, made.unknown) == (6, 3, 2, ("gone",))
    assert made.splits == {"train": 1, "val": 0, "test": 1}


def test_captions_in_json_are_taken_of_tars_and_tables_alone(tmp_path):
    json = b'{"caption": "a dog"}'
    (tmp_path / "s.tar").write_bytes(tar_of({"a.mp4": b"x", "a.json": json, "b.mp4": b"y"}))
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "a.mp4").touch()
    (tmp_path / "plain" / "a.json").write_bytes(json)
    for name, videos, captions in (("tar", "s.tar", "*.json"), ("plain", "plain", None)):
        made = describe(tmp_path, tmp_path / videos, name=name)
        assert (made.num_videos, made.num_captioned) == ((2, 1) if captions else (1, 0))
        assert load(tmp_path, name).captions == captions


@pytest.mark.parametrize("odd", ['{"caption": "x", "split": "validation"}', "[]", '{"caption": 5}'])
def test_json_beside_a_video_that_is_no_caption_is_told_and_an_error_only_where_it_was_asked_for(tmp_path, odd):
    files = {"a.mp4": b"x", "a.json": b'{"caption": "a dog"}', "b.mp4": b"y", "b.json": odd.encode()}
    (tmp_path / "s.tar").write_bytes(tar_of(files))
    made = describe(tmp_path, tmp_path / "s.tar")
    assert (made.num_videos, made.num_captioned, load(tmp_path).captions) == (2, 0, None)
    (note,) = made.warnings
    assert "s.tar (b.json): " in note and note.endswith("so what lies beside the videos is not read as captions")
    for captions, only_named in (("*.json", False), ("", True)):
        options = Options(only_named=only_named)
        with pytest.raises(AnnotationError, match=r"s\.tar \(b\.json\): "):
            write_dataset("asked", str(tmp_path / "s.tar"), captions, "ce_light", layout_of(tmp_path), options)
    assert [path.name for path in (tmp_path / "configs" / "datasets").iterdir()] == ["mine.yaml"]


@pytest.mark.parametrize("captions", ["", "*.json"])
def test_captions_that_name_nothing_leave_nothing_where_only_what_is_named_is_wanted(tmp_path, captions):
    (tmp_path / "s.tar").write_bytes(tar_of({"a.mp4": b"x", "a.json": b'{"width": 3}'}))
    only = Options(only_named=True)
    with pytest.raises(AnnotationError, match="no captions beside any video, and only_named would leave out all"):
        write_dataset("none", str(tmp_path / "s.tar"), captions, "ce_light", layout_of(tmp_path), only)
    assert not (tmp_path / "configs").exists()
    assert describe(tmp_path, tmp_path / "s.tar", captions).num_videos == 1
