"""Parsing shared by the readers: JSON and text files, captions, and errors that name the file."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.datasets.annotations import Annotation, Caption
from pipeline.datasets.clips import Clip, ClipNames
from pipeline.datasets.text_files import lines_of, read_table, read_text
from pipeline.errors import AnnotationError
from pipeline.plain_data import parse_json

_ESCAPED = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_NO_TEXT = re.compile("[\ud800-\udfff]|\\\\u0000")
"""In JSON with all characters as they are, but for those below the blank: half a character, or a zero byte."""


def read_json(path: Path) -> Any:
    """The parsed content of a JSON file; AnnotationError when it cannot be read."""
    return _parsed(_text(path), str(path))


def read_lines(path: Path) -> list[str]:
    """The non-empty lines of a text file, stripped; AnnotationError when it cannot be read."""
    return [line.strip() for line in lines_of(_text(path)) if line.strip()]


def read_json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(file and line, object) of each line of a file of JSON objects; AnnotationError, with the line, for another."""
    for number, line in enumerate(lines_of(_text(path)), 1):
        where = f"{path}:{number}"
        value = _parsed(line, where) if line.strip() else {}
        if not isinstance(value, dict):
            raise AnnotationError(f"{where}: expected an object in braces; get the file again")
        if value:
            yield where, value


def read_columns(path: Path, *columns: str) -> Iterator[tuple[str, ...]]:
    """The cells of these columns in each row of a table; AnnotationError, with the line, when it cannot be read."""
    names = [column.lower() for column in columns]
    for _, cells in read_table(path, _text(path), names):
        yield tuple(cells[name] for name in names)


def _parsed(text: str, where: str) -> Any:
    """The value of a JSON text; AnnotationError for none, and for one whose texts no file can be written with."""
    try:
        value = parse_json(text)
        if _ESCAPED.search(text) and _NO_TEXT.search(json.dumps(value, ensure_ascii=False)):
            raise ValueError("it holds a zero byte or half a character (\\ud800 to \\udfff)")
    except ValueError as error:
        raise AnnotationError(f"{where}: cannot be read: {error}; get the file again") from None
    return value


def _text(path: Path) -> str:
    """The text of an owner's file; AnnotationError where it is not UTF-8 or UTF-16, since no guess is needed of it."""
    try:
        return read_text(path)
    except FileNotFoundError:
        raise AnnotationError(f"{path}: cannot be read: no such file; get the file again") from None
    except AnnotationError as error:
        raise AnnotationError(f"{error}; get the file again") from None


def check_variant(variant: str, known: Iterable[str]) -> str:
    """The variant, unchanged; AnnotationError when it is not one of the known ones."""
    if variant not in known:
        raise AnnotationError(f"annotations.variant {variant!r}: there are {', '.join(known)}")
    return variant


def sentence(text: str) -> Caption:
    """The text as a caption, with runs of whitespace replaced by single spaces."""
    return Caption(" ".join(text.split()))


def annotation(split: str, texts: Iterable[str]) -> Annotation:
    """The split and captions of one video; empty texts, which some files have, are left out."""
    return Annotation(split, tuple(caption for caption in map(sentence, texts) if caption.text))


def read_split_files(
    folder: Path, files: Mapping[str, str], texts_of: Callable[[Any], Mapping[str, Iterable[str]]]
) -> dict[str, Annotation] | None:
    """Video name -> split and captions, read from one JSON file per split; None when one is missing.

    `files` is split -> file name; `texts_of` turns the content of a file into video name -> texts. AnnotationError when
    a file is malformed.
    """

    def read(split: str, data: Any) -> dict[str, Annotation]:
        return {video: annotation(split, captions) for video, captions in texts_of(data).items()}

    return _read_each(folder, files, read)


def read_split_clips(
    folder: Path, files: Mapping[str, str], spans_of: Callable[[Any], Iterable[tuple[str, Any, Any, str]]]
) -> dict[str, Annotation] | None:
    """Clip name -> split and captions, read as by `read_split_files`.

    `spans_of` gives of each text the video, two times in seconds, in any order, and the text. AnnotationError, too,
    where there is no time between the two.
    """
    return _read_each(folder, files, lambda split, data: _clips(split, spans_of(data), folder / files[split]))


def _read_each(
    folder: Path, files: Mapping[str, str], read: Callable[[str, Any], dict[str, Annotation]]
) -> dict[str, Annotation] | None:
    """What `read` makes of the splits and the contents of their files; None when one is missing."""
    if not all((folder / name).exists() for name in files.values()):
        return None
    annotations: dict[str, Annotation] = {}
    for split, name in files.items():
        try:
            annotations |= read(split, read_json(folder / name))
        except (KeyError, TypeError, AttributeError) as error:
            raise malformed(folder / name, error) from None
    return annotations


def _clips(split: str, spans: Iterable[tuple[str, Any, Any, str]], path: Path) -> dict[str, Annotation]:
    names, clips, texts = ClipNames(), dict[str, Clip](), dict[str, list[str]]()
    for video, first_s, second_s, text in spans:
        clip = clip_of(names, video, min(first_s, second_s), max(first_s, second_s), path)
        clips[clip.name] = clip
        texts.setdefault(clip.name, []).append(text)
    return {name: replace(annotation(split, texts[name]), clip=clip) for name, clip in clips.items()}


def clip_of(names: ClipNames, video: str, start_s: Any, end_s: Any, path: Path, own: str = "") -> Clip:
    """The piece of a video, of a file at `path`; `own` is its own name. AnnotationError where it is none."""
    row = {"video": video, "start_s": str(start_s), "end_s": str(end_s), "id": own}
    clip = names.clip_of(row, f"{path}: {(own or video)[:80]!a}")
    assert clip, "it has both times"
    return clip


def malformed(path: Path | str, error: Exception) -> AnnotationError:
    """The error for a file that can be parsed, but does not have the structure of the owner's file."""
    return AnnotationError(f"{path}: not built as its owner's file is ({error!r}); get the file again")
