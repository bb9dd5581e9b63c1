"""Captions in a file beside each video."""

import json

import pytest

from pipeline.datasets.annotations import DatasetConfig, read_annotations
from pipeline.datasets.caption_sidecars import read_sidecars
from pipeline.errors import AnnotationError


def test_text_files_that_are_not_utf8_are_one_warning(tmp_path):
    for name in "abcd":
        (tmp_path / f"{name}.mp4").touch()
    for name in "abc":
        (tmp_path / f"{name}.txt").write_bytes("Größe\n\nzwei\n".encode("cp1252" if name != "b" else "utf-16"))
    warnings = []
    assert [(row["video"], row["caption"]) for _, row in read_sidecars(tmp_path, "*.txt", warnings)] == [
        (f"{name}.mp4", text) for name in "abc" for text in ("Größe", "zwei")
    ]
    (warning,) = warnings
    assert warning.startswith(str(tmp_path / "a.txt"))
    assert warning.endswith("(and 1 other text files)")


def write(folder, **objects):
    for name, content in objects.items():
        (folder / f"{name}.mp4").touch()
        (folder / f"{name}.json").write_text(content if isinstance(content, str) else json.dumps(content))


def test_json_beside_a_video_has_a_caption_or_several_with_a_split_and_tags(tmp_path):
    write(
        tmp_path, a={"Caption": "a  dog", "split": "val", "tags": ["rgb", "audio"], "width": 3},
        b={"captions": ["one", " ", "two"], "text": "not this"}, c={"caption": None, "text": "a cat"}, d={"url": "x"},
    )  # fmt: skip
    (tmp_path / "e.mp4").touch()
    found = read_annotations(DatasetConfig(videos=str(tmp_path), captions="*.json"))
    assert {name: [one.text for one in each.captions] for name, each in found.items()} == {
        "a.mp4": ["a dog"], "b.mp4": ["one", "two"], "c.mp4": ["a cat"],
    }  # fmt: skip
    assert found["a.mp4"].split == "val" and found["a.mp4"].captions[0].tags == ("rgb", "audio")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "not JSON"),
        ("[]", "expected an object"),
        ({"caption": 5}, "'caption' must be text"),
        ({"captions": ["a", {}]}, "'captions' must be text"),
        ({"caption": "a\0b"}, "'caption' must be text"),
        ('{"caption": "\\ud800"}', "'caption' must be text"),
        ("[" * 100_000, "nested too deeply"),
        ({"caption": "a", "split": "dev"}, "split 'dev' is none of"),
    ],
)
def test_json_that_cannot_be_understood_is_one_line_with_its_file(tmp_path, content, why):
    write(tmp_path, a=content)
    with pytest.raises(AnnotationError, match=why) as raised:
        read_annotations(DatasetConfig(videos=str(tmp_path), captions="*.json"))
    assert str(tmp_path / "a.json") in str(raised.value) and "\n" not in str(raised.value)


def test_json_about_other_things_is_none_about_captions_whatever_its_tags_and_split_are(tmp_path):
    write(tmp_path, a={"width": 3, "tags": [1, 2], "split": 7}, b={"caption": None, "tags": {}}, c={"text": "a cat"})
    found = read_annotations(DatasetConfig(videos=str(tmp_path), captions="*.json"))
    assert [*found] == ["c.mp4"]
