"""Configs of datasets, and the reader of captions files: the captions and the split of each video."""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline import config
from pipeline.datasets.files import find_videos
from pipeline.datasets.sources import AnnotationFiles, Part, Released, SplitCounts
from pipeline.datasets.splits import SPLITS, SplitFractions, splits_by_hash
from pipeline.demo.make import DemoSettings
from pipeline.errors import AnnotationError
from pipeline.file_kinds import irregular
from pipeline.plain_data import parse_json

DATASETS = Path("configs/datasets")
COLUMNS = ("video", "caption", "split", "tags")
SIDECAR_CAPTIONS = "*.txt"
"""Value of `captions` for captions in a text file beside each video."""


@dataclass(frozen=True)
class DatasetConfig:
    """configs/datasets/<name>.yaml"""

    __pydantic_config__ = config.STRICT
    videos: str
    """Folder with the videos, at any depth."""
    captions: str | None = None
    """A .csv with the columns `video`, `caption` and, if wanted, `split` and `tags` (joined by ;), or a .jsonl, or
    "*.txt": beside each video a text file of the same name, one caption a line."""
    annotations: AnnotationFiles | None = None
    """For a known dataset, in place of `captions`: the annotation files of its owners."""
    fuse_captions: bool = False
    """Join all captions of a video into one paragraph, as DiDeMo and ActivityNet are evaluated."""
    model: str = "ce_light"
    """The model in configs/models/ that EvaluateCE trains when none is named."""
    split_fractions: SplitFractions = field(default_factory=SplitFractions)
    validation_from_train: float = 0.0
    """Fraction of the training videos that becomes the val split, for a dataset without one."""
    hours: float | None = None
    """Total duration of its videos, as published; the cost of an extraction can then be told without the videos."""
    counts: dict[str, SplitCounts] = field(default_factory=dict)
    """Split -> its known numbers of videos and captions; other numbers stop a run."""
    allow_partial: bool = False
    """Accept other numbers, and leave out the videos whose files are missing."""
    parts: tuple[Part, ...] = ()
    """The components of the dataset and where to get them."""
    released: Released | None = None
    max_failed_fraction: float = 0.05
    """A run stops when an expert fails on a larger fraction of the videos."""
    demo: DemoSettings | None = None
    """Only for the demo, whose videos are generated."""

    def __post_init__(self) -> None:
        if not 0 <= self.max_failed_fraction <= 1:
            raise ValueError("max_failed_fraction must be between 0 and 1")
        if not 0 <= self.validation_from_train < 1:
            raise ValueError("validation_from_train must be at least 0 and below 1")
        if self.captions and self.annotations:
            raise ValueError("captions and annotations exclude each other; remove one")
        if not set(self.counts) <= set(SPLITS):
            raise ValueError(f"counts: the splits are {', '.join(SPLITS)}")


@dataclass(frozen=True)
class Caption:
    """A caption of a video."""

    text: str
    tags: tuple[str, ...] = ()
    """The modalities that it mentions, where that is known."""

    @property
    def key(self) -> str:
        """32 hex digits of the text's SHA-256: its key in a store of token vectors, which equal captions share."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Annotation:
    """The split and the captions of one video."""

    split: str
    captions: tuple[Caption, ...]


def load_dataset(name: str, folder: Path = DATASETS) -> DatasetConfig:
    """The config of the dataset called `name`."""
    return config.load(DatasetConfig, config.choose(folder, name))


def read_annotations(settings: DatasetConfig) -> dict[str, Annotation]:
    """Video name -> its split and captions, in the order of the file; empty when the dataset has no captions.

    AnnotationError names the file and the line of an invalid entry.
    """
    if settings.captions is None:
        return {}
    path = Path(settings.captions)
    from_sidecars = settings.captions == SIDECAR_CAPTIONS
    annotations: dict[str, Annotation] = {}
    for where, row in _sidecar_rows(Path(settings.videos)) if from_sidecars else _rows(path):
        video, text = (row.get("video") or "").strip(), " ".join((row.get("caption") or "").split())
        if not video or not text:
            raise AnnotationError(f"{where}: 'video' and 'caption' must not be empty")
        split = (row.get("split") or "").strip()
        if split and split not in SPLITS:
            raise AnnotationError(f"{where}: split {split!r} is none of {', '.join(SPLITS)}")
        previous = annotations.get(video, Annotation(split, ()))
        if split and previous.split and previous.split != split:
            raise AnnotationError(f"{where}: {video} is in split {split!r} here and in {previous.split!r} above")
        tags = tuple(tag.strip() for tag in (row.get("tags") or "").split(";") if tag.strip())
        annotations[video] = Annotation(previous.split or split, (*previous.captions, Caption(text, tags)))
    if not annotations and not from_sidecars:
        raise AnnotationError(f"{path}: no captions in it")
    return _with_splits(annotations, settings.split_fractions)


def _with_splits(annotations: dict[str, Annotation], fractions: SplitFractions) -> dict[str, Annotation]:
    """The annotations, those without a split in the split that the hash of the name gives."""
    unnamed = [video for video, one in annotations.items() if not one.split]
    by_hash = splits_by_hash(unnamed, fractions, {one.split for one in annotations.values()})
    return {video: Annotation(one.split or by_hash[video], one.captions) for video, one in annotations.items()}


def annotation_files(settings: DatasetConfig) -> list[Path]:
    """Paths of the existing files that the captions and splits are read from, sorted."""
    if settings.annotations:
        folder = Path(settings.annotations.folder)
        return sorted(path for pattern in ("*", "released/*") for path in folder.glob(pattern) if path.is_file())
    if settings.captions == SIDECAR_CAPTIONS:
        return sorted({path for path in _caption_sidecars(Path(settings.videos)).values() if path.is_file()})
    return [Path(settings.captions)] if settings.captions and Path(settings.captions).exists() else []


def _caption_sidecars(root: Path) -> dict[str, Path]:
    """Video id -> path of the text file beside it, whether it exists or not."""
    return {file.video_id: file.path.with_suffix(".txt") for file in find_videos(root)}


def _sidecar_rows(root: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """(file, column -> text) of each caption in the text files beside the videos."""
    for video, path in _caption_sidecars(root).items():
        _refuse_irregular(path)
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines() if path.is_file() else []
        except (OSError, UnicodeDecodeError) as error:
            raise AnnotationError(f"{path}: cannot be read: {error}") from None
        yield from ((str(path), {"video": video, "caption": line}) for line in lines if line.strip())


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """(file and line, column -> text) of each row of a captions file."""
    reader = {".csv": _csv_rows, ".jsonl": _jsonl_rows}.get(path.suffix.lower())
    if reader is None:
        raise AnnotationError(f"{path}: captions must be a .csv or a .jsonl file")
    _refuse_irregular(path)
    try:
        yield from reader(path)
    except FileNotFoundError:
        raise AnnotationError(f"{path}: no such file; see 'captions' in the dataset's YAML") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AnnotationError(f"{path}: cannot be read: {error}") from None


def _refuse_irregular(path: Path) -> None:
    """AnnotationError for a pipe, a device or a broken link, which must not be opened."""
    if why := irregular(path):
        raise AnnotationError(f"{path}: cannot be read: {why}; put a text file there, or remove it")


def _csv_rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)  # without strict, an unclosed quote swallows the rest of the file
        for column in ("video", "caption"):
            if column not in (reader.fieldnames or []):
                raise AnnotationError(f"{path}: its first line must name the columns 'video' and 'caption'")
        try:
            for row in reader:
                yield f"{path}:{reader.line_num}", row
        except csv.Error as error:
            raise AnnotationError(f"{path}:{reader.line_num + 1}: {error}") from None


def _jsonl_rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield f"{path}:{number}", _json_row(line, f"{path}:{number}")


def _json_row(line: str, where: str) -> dict[str, str]:
    try:
        row: Any = parse_json(line)
    except ValueError as error:
        raise AnnotationError(f"{where}: not JSON: {error}") from None
    if not isinstance(row, dict):
        raise AnnotationError(f"{where}: expected an object with 'video' and 'caption'")
    return {column: _json_text(row.get(column), f"{where}: {column!r}") for column in COLUMNS}


def _json_text(value: Any, where: str) -> str:
    """A JSON value as the text of a CSV column: null is empty, a list of tags is joined by ;, a number is an id."""
    if isinstance(value, list) and where.endswith("'tags'") and all(isinstance(tag, str) for tag in value):
        return ";".join(value)
    if value is not None and not isinstance(value, (str, int)):
        raise AnnotationError(f"{where} must be text, found {value!r}")
    return "" if value is None else str(value)
