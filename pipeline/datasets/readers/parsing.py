"""The plain files that annotations come in, each fault told with its file."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.datasets.annotations import Annotation, Caption
from pipeline.errors import AnnotationError


def read_json(path: Path) -> Any:
    """What a JSON file holds; AnnotationError when it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise AnnotationError(f"{path}: cannot be read: {error}; get the file again") from None


def read_lines(path: Path) -> list[str]:
    """The lines of a text file that hold something, without the spaces around."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AnnotationError(f"{path}: cannot be read: {error}; get the file again") from None
    return [line.strip() for line in lines if line.strip()]


def check_variant(variant: str, known: Iterable[str]) -> str:
    """The variant; AnnotationError when the reader does not know it."""
    if variant not in known:
        raise AnnotationError(f"annotations.variant {variant!r}: there are {', '.join(known)}")
    return variant


def sentence(text: str) -> Caption:
    """A caption with single spaces."""
    return Caption(" ".join(text.split()))


def annotation(split: str, texts: Iterable[str]) -> Annotation:
    """The captions of one video; empty texts, which some files have, are left out."""
    return Annotation(split, tuple(caption for caption in map(sentence, texts) if caption.text))


def malformed(path: Path, error: Exception) -> AnnotationError:
    """For a file that can be read and is built otherwise than its owner's."""
    return AnnotationError(f"{path}: not built as its owner's file is ({error!r}); get the file again")
