"""Parsing shared by the readers: JSON and text files, captions, and errors that name the file."""

import errno
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

from pipeline.datasets.annotations import Annotation, Caption
from pipeline.errors import AnnotationError
from pipeline.file_kinds import irregular
from pipeline.plain_data import parse_json


def open_text(path: Path) -> TextIO:
    """The file, opened as UTF-8 text; OSError where that cannot be, also for a pipe or a device."""
    if why := irregular(path):
        raise OSError(errno.EINVAL, why, str(path))
    return path.open(encoding="utf-8-sig", newline="")


def read_json(path: Path) -> Any:
    """The parsed content of a JSON file; AnnotationError when it cannot be read."""
    try:
        with open_text(path) as file:
            return parse_json(file.read())
    except (OSError, ValueError) as error:
        raise AnnotationError(f"{path}: cannot be read: {error}; get the file again") from None


def read_lines(path: Path) -> list[str]:
    """The non-empty lines of a text file, stripped; AnnotationError when it cannot be read."""
    try:
        with open_text(path) as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AnnotationError(f"{path}: cannot be read: {error}; get the file again") from None
    return [line.strip() for line in lines if line.strip()]


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
    if not all((folder / name).exists() for name in files.values()):
        return None
    annotations: dict[str, Annotation] = {}
    for split, name in files.items():
        try:
            texts = texts_of(read_json(folder / name))
            annotations |= {video: annotation(split, captions) for video, captions in texts.items()}
        except (KeyError, TypeError, AttributeError) as error:
            raise malformed(folder / name, error) from None
    return annotations


def malformed(path: Path, error: Exception) -> AnnotationError:
    """The error for a file that can be parsed, but does not have the structure of the owner's file."""
    return AnnotationError(f"{path}: not built as its owner's file is ({error!r}); get the file again")
