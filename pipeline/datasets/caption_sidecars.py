"""Captions beside the videos, a file for each: texts with a caption a line, or JSON as WebDataset has it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.datasets.names import without_suffix
from pipeline.datasets.text_files import lines_of, read_text
from pipeline.datasets.video_files import find_videos
from pipeline.errors import AnnotationError
from pipeline.plain_data import parse_json
from pipeline.remote_files.files import place_of, prefetch

SIDECARS = ("*.txt", "*.json")
"""Values of `captions` for captions in a file beside each video; a row of a table of videos has a *.json."""
FIELDS = ("caption", "captions", "text", "texts")
"""Of the JSON object: the first one that is there has the caption, or a list of them."""

Entry = tuple[str, dict[str, str]]
"""File of a caption, and its cells by column."""


def caption_sidecar(path: Path, kind: str = SIDECARS[0]) -> Path:
    """Where the file with the captions of the video `path` lies, if there is one."""
    return path.with_name(without_suffix(path.name) + kind.removeprefix("*"))


def caption_sidecars(root: Path, kind: str) -> dict[str, Path]:
    """Video id -> path of the file beside it, whether it exists or not."""
    return {file.video_id: caption_sidecar(file.path, kind) for file in find_videos(root)}


def read_sidecars(root: Path, kind: str, warnings: list[str]) -> Iterator[Entry]:
    """The captions in the files beside the videos below `root`, which need not exist.

    Appends to `warnings` how many files have a guessed encoding, with an example. AnnotationError names the file that
    cannot be understood.
    """
    guessed: list[str] = []
    sidecars = caption_sidecars(root, kind)
    prefetch(sidecars.values())
    for video, path in sidecars.items():
        try:
            text = read_text(path, guessed)
        except FileNotFoundError:
            continue
        if kind == "*.json":
            where = place_of(path)
            yield from ((where, {"video": video, **cells}) for cells in _of_json(text, where))
        else:
            yield from ((str(path), {"video": video, "caption": line}) for line in lines_of(text) if line.strip())
    if guessed:
        more = f" (and {len(guessed) - 1} other text files)" if len(guessed) > 1 else ""
        warnings.append(f"{guessed[0]}{more}")


def _of_json(text: str, where: str) -> Iterator[dict[str, str]]:
    """The captions of an object, each with its split and tags; none for one without any of FIELDS."""
    try:
        found: Any = parse_json(text)
    except ValueError as error:
        raise AnnotationError(f"{where}: not JSON: {error}") from None
    if not isinstance(found, dict):
        raise AnnotationError(f"{where}: expected an object with 'caption'")
    row = {key.strip().lower(): value for key, value in found.items()}
    field = next((name for name in FIELDS if row.get(name) is not None), "")
    if not field:
        return  # it is about other things, and so may be its tags
    tags = ";".join(_texts(row, "tags", where))
    split = "".join(_texts(row, "split", where)[:1])
    yield from (
        {"caption": caption, "split": split, "tags": tags} for caption in _texts(row, field, where) if caption.strip()
    )


def _texts(row: Mapping[str, Any], field: str, where: str) -> list[str]:
    """The text in a field, or the texts of a list of them; none where it is not there."""
    value = row.get(field)
    texts = value if isinstance(value, list) else [] if value is None else [value]
    for text in texts:
        if not isinstance(text, str) or "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise AnnotationError(f"{where}: {field!r} must be text, or a list of texts; found {text!a}"[:300])
    return texts
