import json
import os

import pytest

from pipeline.datasets.annotations import Annotation, Caption
from pipeline.datasets.readers.parsing import (
    annotation,
    check_variant,
    malformed,
    read_json,
    read_json_lines,
    read_lines,
    read_split_files,
    sentence,
)
from pipeline.errors import AnnotationError

FILES = {"train": "a.json", "test": "b.json"}


def write(folder, **contents):
    for name, content in contents.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def test_files_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "a.json").write_text('{"a": "é"}', encoding="utf-8-sig")
    (tmp_path / "a.txt").write_text(" one \n\n\ttwo\n", encoding="utf-8-sig")
    assert read_json(tmp_path / "a.json") == {"a": "é"}
    assert read_lines(tmp_path / "a.txt") == ["one", "two"]


@pytest.mark.parametrize("read", [read_json, read_lines])
def test_a_file_that_is_missing_or_not_text_is_told_with_its_name(tmp_path, read):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    os.mkfifo(tmp_path / "pipe")
    for name in ("binary", "gone", "pipe"):
        with pytest.raises(AnnotationError, match=rf"{name}: cannot be read: .*; get the file again"):
            read(tmp_path / name)


def test_captions_have_single_spaces_and_empty_ones_are_left_out():
    assert sentence("  a \n dog\t runs ") == Caption("a dog runs")
    assert annotation("val", ["a  cat", " ", ""]) == Annotation("val", (Caption("a cat"),))


def test_an_unknown_variant_is_told_with_the_known_ones():
    assert check_variant("full", ("full", "half")) == "full"
    with pytest.raises(AnnotationError, match=r"annotations\.variant 'third': there are full, half"):
        check_variant("third", ("full", "half"))


def test_split_files_are_read_when_all_are_there(tmp_path):
    write(tmp_path, a={"v": ["x", " y "]})
    assert read_split_files(tmp_path, FILES, dict) is None
    write(tmp_path, b={"w": []})
    assert read_split_files(tmp_path, FILES, dict) == {
        "v": Annotation("train", (Caption("x"), Caption("y"))),
        "w": Annotation("test", ()),
    }


def test_a_split_file_of_another_structure_is_told_with_its_name(tmp_path):
    write(tmp_path, a={}, b=[{"video": "v"}])
    with pytest.raises(AnnotationError, match=r"b\.json: not built as its owner's file is \(KeyError\('text'\)\); get"):
        read_split_files(tmp_path, FILES, lambda data: {entry["video"]: entry["text"] for entry in data})
    assert isinstance(malformed(tmp_path, KeyError("x")), AnnotationError)


@pytest.mark.parametrize("half", ["\\ud800", "\\u0000", "\\uDFFF x"])
def test_texts_that_no_file_can_be_written_with_are_told_and_pairs_of_escapes_are_one_character(half, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(f'{{"a": "{half}"}}')
    for read in (read_json, lambda given: list(read_json_lines(given))):
        with pytest.raises(AnnotationError, match=r"zero byte or half a character .*get the file again"):
            read(path)
    path.write_text('{"a": "\\ud83c\\udf5c \\u00e9"}')
    assert read_json(path) == {"a": "🍜 é"}


def test_lines_of_json_are_objects_with_their_numbers(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n\n{"b": 2}\n')
    assert list(read_json_lines(path)) == [(f"{path}:1", {"a": 1}), (f"{path}:3", {"b": 2})]
    for bad, told in (("[1]", "in braces"), ("{", "cannot be read"), ("[" * 100_000, "nested too deeply")):
        path.write_text('{"a": 1}\n' + bad)
        with pytest.raises(AnnotationError, match=rf"a\.jsonl:2: .*{told}.*get the file again"):
            list(read_json_lines(path))
