import json
import os
from dataclasses import replace

import pytest

from pipeline.datasets import scan
from pipeline.datasets.annotations import (
    Caption,
    DatasetConfig,
    cut_dataset,
    load_dataset,
    read_annotations,
)
from pipeline.datasets.cutting import Cutting
from pipeline.errors import AnnotationError, ConfigError
from pipeline.remote_files.places import file_of
from tests.web_server import serving


def read(tmp_path, text, name="captions.csv", **settings):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_annotations(DatasetConfig(videos="videos", captions=str(path), **settings))


def complaint(tmp_path, text, name="captions.csv"):
    with pytest.raises(AnnotationError) as caught:
        read(tmp_path, text, name)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(str(tmp_path / name))


GOOD = """video,caption,split,tags
b.mp4,A red star turns,train,rgb;flow
a.mp4,Somebody speaks,test,speech
b.mp4,"A star, and a tone",train,rgb; audio ;
c,  Two   spaces ,val,
"""


def test_captions_are_gathered_by_video_in_the_order_of_the_file(tmp_path):
    annotations = read(tmp_path, GOOD)
    assert list(annotations) == ["b.mp4", "a.mp4", "c"]
    assert annotations["b.mp4"].split == "train"
    assert annotations["b.mp4"].captions == (
        Caption("A red star turns", ("rgb", "flow")),
        Caption("A star, and a tone", ("rgb", "audio")),
    )
    assert annotations["a.mp4"].captions == (Caption("Somebody speaks", ("speech",)),)
    assert annotations["c"].captions == (Caption("Two spaces"),)


def test_json_lines_say_the_same(tmp_path):
    lines = [
        {"video": "b.mp4", "caption": "A red star turns", "split": "train", "tags": ["rgb", "flow"]},
        {"video": "a.mp4", "caption": "Somebody speaks", "split": "test", "tags": "speech"},
        {"video": "b.mp4", "caption": "A star, and a tone", "split": "train", "tags": "rgb;audio"},
        {"video": "c", "caption": "Two   spaces", "split": "val", "more": 3},
    ]
    text = "\n\n".join(json.dumps(line) for line in lines)
    assert read(tmp_path, text, "captions.jsonl") == read(tmp_path, GOOD)


GRADED = """video,caption,split,grade
a,who won,test,3
b,who won,test,
c,who won,test,0
"""


def test_a_grade_says_how_well_a_video_answers_and_0_that_it_does_not(tmp_path):
    found = read(tmp_path, GRADED)
    assert [one.captions for one in found.values()] == [(Caption("who won", grade=3),), (Caption("who won"),), ()]
    assert {one.split for one in found.values()} == {"test"}
    rows = [{"video": "a", "caption": "who won", "split": "test", "grade": 3}]
    rows += [{"video": "b", "caption": "who won", "split": "test", "grade": 1.0}]
    rows += [{"video": "c", "caption": "who won", "split": "test", "grade": 0}]
    assert read(tmp_path, "\n".join(map(json.dumps, rows)), "captions.jsonl") == found
    assert ":2: a grade is a whole number" in complaint(tmp_path, GRADED.replace(",3", ",good"))


@pytest.mark.parametrize(
    "encode", [lambda text: b"\xef\xbb\xbf" + text.encode(), lambda text: text.replace("\n", "\r\n").encode()]
)
def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path, encode):
    assert read(tmp_path, encode(GOOD)) == read(tmp_path, GOOD)


def test_empty_lines_are_left_out(tmp_path):
    assert read(tmp_path, GOOD.replace("\n", "\n\n")) == read(tmp_path, GOOD)


def test_a_caption_may_hold_quotes_and_line_ends(tmp_path):
    annotations = read(
        tmp_path, 'video,caption,split\na.mp4,"He says ""hi""\nand leaves, 日本語",train\nb.mp4,x,train\n'
    )
    assert annotations["a.mp4"].captions == (Caption('He says "hi" and leaves, 日本語'),)
    assert list(annotations) == ["a.mp4", "b.mp4"]


def test_columns_may_come_in_any_order_and_others_are_ignored(tmp_path):
    annotations = read(tmp_path, "id,caption,length,video\n7,A cat,3,a.mp4\n")
    assert annotations["a.mp4"].captions == (Caption("A cat"),)


QUOTES = "; put quotes around a caption with commas"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": its first line must name the columns 'video' and 'caption'"),
        (
            "video,sentence\na.mp4,x\n",
            ": its first line must name the columns 'video' and 'caption'; it has 'video', 'sentence'",
        ),
        (
            "a.mp4,A red star\n",
            ": its first line must name the columns 'video' and 'caption'; it has 'a.mp4', 'a red star'",
        ),
        ("video,caption\n", ": no captions in it"),
        ("video,caption\na.mp4,x\n,y\n", ":3: 'video' and 'caption' must not be empty"),
        ("video,caption\na.mp4,  \n", ":2: 'video' and 'caption' must not be empty"),
        ("video,caption\na.mp4\n", ":2: the row ends before its 'caption': 1 of 2 cells"),
        ("video,caption,split\na.mp4,x,dev\n", ":2: split 'dev' is none of train, val, test" + QUOTES),
        ("video,caption,split\na.mp4,x,Train\n", ":2: split 'Train' is none of train, val, test" + QUOTES),
        ("video,caption,split\na.mp4,a man, a dog\n", ":2: split 'a dog' is none of train, val, test" + QUOTES),
        (
            "video,caption,split\na.mp4,x,train\nb.mp4,y,val\na.mp4,z,test\n",
            ":4: a.mp4 is in split 'test' here and in 'train' above",
        ),
        (
            'video,caption\na.mp4,"never closed\nb.mp4,lost\n',
            ":2: a quote is opened in this row and never closed; close it, and double each quote inside of a quoted "
            "cell",
        ),
    ],
)
def test_what_cannot_be_used_is_told_with_its_line(tmp_path, text, message):
    assert complaint(tmp_path, text) == message


def test_the_line_told_is_that_of_the_file_also_after_empty_lines(tmp_path):
    assert complaint(tmp_path, "video,caption,split\n\n\na.mp4,x,dev\n").startswith(":4: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"video": "a", "caption": "x"}\n{"video": "a"', ":2: not JSON"),
        ('["a", "x"]', ":1: expected an object with 'video' and 'caption'"),
        ('"a"', ":1: expected an object"),
        ('\n{"video": "a"}', ":2: 'video' and 'caption' must not be empty"),
        ('{"video": "a", "caption": null}', ":1: 'video' and 'caption' must not be empty"),
        ('{"video": null, "caption": "x"}', ":1: 'video' and 'caption' must not be empty"),
        ('{"video": "a", "caption": "x", "split": null}', ""),
        ('{"video": "a", "caption": "x", "tags": null}', ""),
        ('{"video": "a", "caption": "x", "tags": [1, 2]}', "tags"),
        ('{"video": "a", "caption": ["x", "y"]}', "caption"),
        ("\n\n", ": no captions in it"),
    ],
)
def test_what_cannot_be_used_of_json_lines_is_told_with_its_line(tmp_path, text, message):
    if message:
        assert message in complaint(tmp_path, text, "captions.jsonl")
    else:
        annotations = read(tmp_path, text, "captions.jsonl")
        assert annotations["a"].captions == (Caption("x"),), "null is as good as nothing"
        assert annotations["a"].split in {"train", "val", "test"}


@pytest.mark.parametrize("name", ["captions.txt", "captions", "captions.json", "captions.xlsx"])
def test_a_file_of_another_kind_is_told(tmp_path, name):
    assert complaint(tmp_path, GOOD, name) == ": captions must be a .csv, .tsv, .jsonl or .parquet file"


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(AnnotationError, match=r"nowhere\.csv: no such file; see 'captions' in the dataset's YAML"):
        read_annotations(DatasetConfig(videos="v", captions=str(tmp_path / "nowhere.csv")))
    with pytest.raises(AnnotationError, match=r"folder\.csv: cannot be read"):
        read_annotations(DatasetConfig(videos="v", captions=str(tmp_path / "folder.csv")))


@pytest.mark.parametrize("name", ["captions.csv", "captions.jsonl"])
def test_captions_that_are_a_pipe_are_told_and_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(AnnotationError, match=rf"{name}: cannot be read: a named pipe, not a file; put a text file"):
        read_annotations(DatasetConfig(videos="v", captions=str(tmp_path / name)))


@pytest.mark.parametrize("target", ["/dev/zero", "nowhere.txt"])
def test_a_text_file_of_captions_that_is_none_is_told(tmp_path, target):
    (tmp_path / "a.mp4").touch()
    (tmp_path / "a.txt").symlink_to(target)
    with pytest.raises(AnnotationError, match=r"a\.txt: cannot be read: a link to"):
        read_annotations(DatasetConfig(videos=str(tmp_path), captions="*.txt"))


@pytest.mark.parametrize("name", ["captions.csv", "captions.jsonl"])
def test_an_encoding_that_was_guessed_is_a_warning(tmp_path, name):
    text = "video,caption\na.mp4,a café\n" if name.endswith("csv") else '{"video": "a.mp4", "caption": "a café"}'
    path = tmp_path / name
    path.write_bytes(text.encode("cp1252"))
    warnings = []
    found = read_annotations(DatasetConfig(videos="v", captions=str(path)), warnings)
    assert found["a.mp4"].captions == (Caption("a café"),)
    (warning,) = warnings
    assert warning.startswith(f"{path}: not UTF-8, and read as cp125")


def test_a_dataset_without_captions_has_none():
    assert read_annotations(DatasetConfig(videos="videos")) == {}


def test_the_key_of_a_caption_is_its_text_alone():
    import hashlib

    assert Caption("a cat").key == hashlib.sha256(b"a cat").hexdigest()[:32]
    assert Caption("a cat", ("rgb",)).key == Caption("a cat").key != Caption("A cat").key


def test_a_row_that_names_no_split_is_in_the_split_that_another_row_of_its_video_names(tmp_path):
    text = "video,caption,split\na,x,\na,y,test\nb,x,val\nb,y,\n"
    assert {name: one.split for name, one in read(tmp_path, text).items()} == {"a": "test", "b": "val"}


def test_a_handful_of_videos_has_every_split(tmp_path):
    text = "video,caption\n" + "".join(f"{name}.mp4,x\n" for name in "abcd")
    assert {one.split for one in read(tmp_path, text).values()} == {"train", "val", "test"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("videos: v\nsplit_fractions: {train: 0.5}", "must add up to 1"),
        ("videos: v\nsplit_fractions: {train: 1.5, val: -0.5, test: 0.0}", "must add up to 1"),
        ("videos: v\nmax_failed_fraction: 2", "between 0 and 1"),
        ("videos: v\nmax_failed_fraction: -0.1", "between 0 and 1"),
        ("videos: v\ncaption: c.csv", "unknown key 'caption' (did you mean 'captions'?)"),
        ("captions: c.csv", "key 'videos' is missing"),
        ("videos: [a, b]", "key 'videos'"),
    ],
)
def test_a_dataset_that_makes_no_sense_is_told(tmp_path, text, message):
    (tmp_path / "some.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_dataset("some", tmp_path)
    assert message in str(caught.value)


def test_a_dataset_that_is_cut_has_a_second_name_for_its_uncut_videos(tmp_path):
    (tmp_path / "films.yaml").write_text("videos: v\nsegment: {by: seconds, seconds: 4}\n", encoding="utf-8")
    films = load_dataset("films", tmp_path)
    assert films.segment == Cutting("seconds", seconds=4.0)
    assert load_dataset("films.whole", tmp_path) == replace(films, segment=None)
    assert [cut_dataset(name) for name in ("films", "films.whole")] == ["films", "films"]


@pytest.mark.parametrize("other", ["captions: c.csv", "annotations: {format: msvd, folder: a, variant: b}"])
def test_what_has_captions_is_not_cut(tmp_path, other):
    text = f"videos: v\n{other}\nsegment: {{by: shots}}\n"
    (tmp_path / "films.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="segment cuts videos that have no captions"):
        load_dataset("films", tmp_path)


def test_a_demo_block_that_makes_no_sense_is_told_with_the_file(tmp_path):
    block = "version: 1, seed: 1, num_train: 1, num_val: 1, num_test: 1, captions_per_video: 99, "
    block += "duration_s: [1.0, 2.0], width_px: 320, height_px: 240, fps: 12"
    (tmp_path / "some.yaml").write_text(f"videos: v\ndemo: {{{block}}}")
    with pytest.raises(ConfigError, match=r"some\.yaml.*captions_per_video must be 1 to 20"):
        load_dataset("some", tmp_path)


def test_captions_may_lie_beside_the_videos_as_text(tmp_path, clip):
    for name in ("a/clip.mp4", "b/clip.mp4", "silent.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(clip.read_bytes())
    (tmp_path / "a" / "clip.txt").write_text("A dog.\n\n  It   runs. \n", encoding="utf-8-sig")
    (tmp_path / "b" / "clip.txt").write_text("日本語")
    own = DatasetConfig(videos=str(tmp_path), captions="*.txt")
    annotations = read_annotations(own)
    assert {name: [caption.text for caption in one.captions] for name, one in annotations.items()} == {
        "a/clip.mp4": ["A dog.", "It runs."], "b/clip.mp4": ["日本語"],
    }  # fmt: skip
    before = scan.scan_digest("own", own)
    (tmp_path / "silent.txt").write_text("Nothing is heard.")
    assert scan.scan_digest("own", own) != before


def test_a_line_that_is_nested_too_deeply_is_named(tmp_path):
    message = complaint(tmp_path, '{"video": "a.mp4", "caption": "x"}\n' + "[" * 100_000, "captions.jsonl")
    assert message == ":2: not JSON: lists or mappings are nested too deeply"


@pytest.mark.parametrize("name", ["captions.csv", "captions.jsonl", "captions.parquet"])
def test_an_error_in_captions_elsewhere_names_their_address(tmp_path, name):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / name).write_bytes(b'{"video": "a.mp4"')
    with serving(tmp_path / "there") as server:
        captions = file_of(f"{server.address}/{name}", tmp_path / "data")
        with pytest.raises(AnnotationError) as caught:
            read_annotations(DatasetConfig(videos="videos", captions=str(captions)))
    assert str(caught.value).startswith(f"{server.address}/{name}:")
    assert str(tmp_path) not in str(caught.value)


def test_only_what_is_named_is_wanted_where_something_is_named(tmp_path):
    path = tmp_path / "some.yaml"
    path.write_text("videos: v\nonly_named: true\n")
    with pytest.raises(
        ConfigError, match=r"some\.yaml: only_named leaves out what captions do not name, and there are"
    ):
        load_dataset("some", tmp_path)
    path.write_text("videos: v\nonly_named: true\ncaptions: c.csv\n")
    assert load_dataset("some", tmp_path).only_named
