"""What people say about the videos of a dataset: its config, its captions file, its splits."""

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline import config
from pipeline.datasets.files import find_videos
from pipeline.datasets.sources import AnnotationFiles, Part, Released, SplitCounts
from pipeline.demo.make import DemoSettings
from pipeline.errors import AnnotationError

DATASETS = Path("configs/datasets")
SPLITS = ("train", "val", "test")
COLUMNS = ("video", "caption", "split", "tags")
BESIDE = "*.txt"
"""As `captions`: what is said of a video is in the text file beside it."""


@dataclass(frozen=True)
class SplitFractions:
    """Shares of the videos, for captions that name no split; a video's share is decided by a hash of its name."""

    __pydantic_config__ = config.STRICT
    train: float = 0.8
    val: float = 0.1
    test: float = 0.1

    def __post_init__(self) -> None:
        if min(self.train, self.val, self.test) < 0 or abs(self.train + self.val + self.test - 1) > 1e-6:
            raise ValueError("split_fractions: train, val and test must add up to 1")


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
    """For a known dataset, in place of `captions`: the files of its owners."""
    fuse_captions: bool = False
    """All captions of a video become one paragraph, as DiDeMo and ActivityNet are evaluated."""
    model: str = "ce_light"
    """The model in configs/models/ that EvaluateCE trains when none is named."""
    split_fractions: SplitFractions = field(default_factory=SplitFractions)
    validation_from_train: float = 0.0
    """Share of the training videos that becomes the val split, for a dataset that has none of its own."""
    counts: dict[str, SplitCounts] = field(default_factory=dict)
    """Split -> what it is known to hold; other numbers stop a run."""
    allow_partial: bool = False
    """Go on with other numbers, and without the videos whose files are missing."""
    parts: tuple[Part, ...] = ()
    """What the dataset is made of and where it can be had."""
    released: Released | None = None
    max_failed_fraction: float = 0.05
    """A run stops when an expert fails on a larger share of the videos."""
    demo: DemoSettings | None = None
    """Only for the demo: the videos are made, not found."""

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
    """One sentence about a video."""

    text: str
    tags: tuple[str, ...] = ()
    """The modalities it speaks of, where that is known."""

    @property
    def key(self) -> str:
        """32 hex digits of the text: names its row in a store of token vectors, which equal captions share."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Annotation:
    """What the captions file says about one video."""

    split: str
    captions: tuple[Caption, ...]


def load_dataset(name: str, folder: Path = DATASETS) -> DatasetConfig:
    """The config of the dataset called `name`."""
    return config.load(DatasetConfig, config.choose(folder, name))


def read_annotations(settings: DatasetConfig) -> dict[str, Annotation]:
    """Video name -> its split and captions, in the order of the file; empty when the dataset has no captions.

    AnnotationError names the file and the line of what cannot be used.
    """
    if settings.captions is None:
        return {}
    path = Path(settings.captions)
    found: dict[str, Annotation] = {}
    for where, row in _beside(Path(settings.videos)) if settings.captions == BESIDE else _rows(path):
        video, text = (row.get("video") or "").strip(), " ".join((row.get("caption") or "").split())
        if not video or not text:
            raise AnnotationError(f"{where}: 'video' and 'caption' must not be empty")
        split = (row.get("split") or "").strip() or split_of(video, settings.split_fractions)
        if split not in SPLITS:
            raise AnnotationError(f"{where}: split {split!r} is none of {', '.join(SPLITS)}")
        before = found.get(video, Annotation(split, ()))
        if before.split != split:
            raise AnnotationError(f"{where}: {video} is in split {split!r} here and in {before.split!r} above")
        tags = tuple(tag.strip() for tag in (row.get("tags") or "").split(";") if tag.strip())
        found[video] = Annotation(split, (*before.captions, Caption(text, tags)))
    if not found and settings.captions != BESIDE:
        raise AnnotationError(f"{path}: no captions in it")
    return found


def annotation_files(settings: DatasetConfig) -> list[Path]:
    """The files that decide what is said of the videos, as far as they are there, sorted."""
    if settings.annotations:
        folder = Path(settings.annotations.folder)
        return sorted(path for pattern in ("*", "released/*") for path in folder.glob(pattern) if path.is_file())
    if settings.captions == BESIDE:
        return sorted({text for text in _texts(Path(settings.videos)).values() if text.is_file()})
    return [Path(settings.captions)] if settings.captions and Path(settings.captions).exists() else []


def split_of(video: str, fractions: SplitFractions) -> str:
    """The split of a video that names none: decided by its name alone, so that adding videos moves no other."""
    share = int.from_bytes(hashlib.sha256(video.encode()).digest()[:8], "big") / 2**64
    if share < fractions.train:
        return "train"
    return "val" if share < fractions.train + fractions.val else "test"


def _texts(root: Path) -> dict[str, Path]:
    """Video id -> the text file beside it, whether it is there or not."""
    return {found.video_id: found.path.with_suffix(".txt") for found in find_videos(root)}


def _beside(root: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for video, path in _texts(root).items():
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines() if path.is_file() else []
        except (OSError, UnicodeDecodeError) as error:
            raise AnnotationError(f"{path}: cannot be read: {error}") from None
        yield from ((str(path), {"video": video, "caption": line}) for line in lines if line.strip())


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """(file and line, column -> text) of each row."""
    reader = {".csv": _csv_rows, ".jsonl": _jsonl_rows}.get(path.suffix.lower())
    if reader is None:
        raise AnnotationError(f"{path}: captions must be a .csv or a .jsonl file")
    try:
        yield from reader(path)
    except FileNotFoundError:
        raise AnnotationError(f"{path}: no such file; see 'captions' in the dataset's YAML") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AnnotationError(f"{path}: cannot be read: {error}") from None


def _csv_rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)  # else a quote that is never closed swallows all that follows
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
        row: Any = json.loads(line)
    except ValueError as error:
        raise AnnotationError(f"{where}: not JSON: {error}") from None
    if not isinstance(row, dict):
        raise AnnotationError(f"{where}: expected an object with 'video' and 'caption'")
    return {column: _json_text(row.get(column), f"{where}: {column!r}") for column in COLUMNS}


def _json_text(value: Any, where: str) -> str:
    """A value as a .csv would have it: null is nothing, a list is joined, a number is an id."""
    if isinstance(value, list) and where.endswith("'tags'") and all(isinstance(tag, str) for tag in value):
        return ";".join(value)
    if value is not None and not isinstance(value, (str, int)):
        raise AnnotationError(f"{where} must be text, found {value!r}")
    return "" if value is None else str(value)
