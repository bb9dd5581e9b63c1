"""Configs of datasets, and the reader of captions files: the captions and the split of each video."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pipeline import config
from pipeline.datasets.caption_files import Entry, read_rows
from pipeline.datasets.caption_sidecars import SIDECARS, caption_sidecars, read_sidecars
from pipeline.datasets.clips import Clip, ClipNames
from pipeline.datasets.cutting import WHOLE, Cutting
from pipeline.datasets.grades import grade_of
from pipeline.datasets.near_duplicates import NearDuplicates
from pipeline.datasets.sources import AnnotationFiles, Part, Released, SplitCounts
from pipeline.datasets.splits import SPLITS, SplitFractions, splits_by_hash
from pipeline.demo.make import DemoSettings
from pipeline.errors import AnnotationError, ConfigError
from pipeline.remote_files.look import name_of_source, refresh

DATASETS = Path("configs/datasets")


@dataclass(frozen=True)
class DatasetConfig:
    """configs/datasets/<name>.yaml"""

    __pydantic_config__ = config.STRICT
    videos: str
    """Folder with the videos, at any depth; or an address, a list, a pattern, tars or Parquet tables with videos."""
    captions: str | None = None
    """A .csv or .tsv with the columns `video`, `caption` and, if wanted, `split` and `tags` (joined by ;), with commas,
    semicolons or tabs between, or a .jsonl or .parquet, or "*.txt": beside each video a text file of the same name, one
    caption a line, or "*.json": an object with `caption` or `captions`. A row with `start_s` and `end_s` is of a clip,
    a piece of the video, which may have an `id`. A `grade` says how well the video answers the caption, 1 where it is
    empty; with 0 it does not."""
    annotations: AnnotationFiles | None = None
    """For a known dataset, in place of `captions`: the annotation files of its owners."""
    only_named: bool = False
    """Leave out the videos that captions name neither as a whole nor a piece of."""
    segment: Cutting | None = None
    """Cut the videos into clips, which have no captions; null: they are not cut, but where captions name clips."""
    gallery: Literal["captioned", "all"] = "captioned"
    """What a report's captions are looked for in: the videos of its split with captions, or with `all` those without,
    too, and those that are in no split."""
    near_duplicates: NearDuplicates | None = None
    """Count, in each report, the videos that are almost the same as others; null: only those that are equal."""
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
        if self.only_named and not (self.captions or self.annotations):
            raise ValueError(
                "only_named leaves out what captions do not name, and there are none; name some, or remove it"
            )
        if self.segment and (self.captions or self.annotations or self.demo):
            raise ValueError(
                "segment cuts videos that have no captions; captions name clips of their own by start_s and end_s"
            )
        if not set(self.counts) <= set(SPLITS):
            raise ValueError(f"counts: the splits are {', '.join(SPLITS)}")


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption of a video."""

    text: str
    tags: tuple[str, ...] = ()
    """The modalities that it mentions, where that is known."""
    id: str = ""
    """What its owners call it, e.g. a query of a benchmark; empty where it has no name."""
    grade: int = 1
    """How well the video answers it, 1 or more."""
    windows_s: tuple[tuple[float, float], ...] = ()
    """Where in the video it is true, as start and end; empty where that is not known."""

    @property
    def judged(self) -> bool:
        """Whether more is known of it than its text and tags."""
        return bool(self.id or self.grade != 1 or self.windows_s)

    @property
    def key(self) -> str:
        """32 hex digits of the text's SHA-256: its key in a store of token vectors, which equal captions share."""
        return key_of(self.text)


def key_of(text: str) -> str:
    """The key of a caption with this text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Annotation:
    """The split and the captions of one video or clip."""

    split: str
    captions: tuple[Caption, ...]
    clip: Clip | None = None
    """The piece of a video that it is of; None: a whole video."""

    def video(self, name: str) -> str:
        """The name of the video, where `name` is that of the video or clip."""
        return self.clip.video if self.clip else name


def load_dataset(name: str, folder: Path = DATASETS) -> DatasetConfig:
    """The config of the dataset called `name`; of a name with WHOLE at its end that of its uncut videos."""
    of = cut_dataset(name)
    settings = config.load(DatasetConfig, config.choose(folder, of))
    if of != name and not settings.segment:
        raise ConfigError(f"{of} is not cut into clips, as its YAML has no segment: type {of} in place of {name}")
    return settings if of == name else replace(settings, segment=None)


def cut_dataset(name: str) -> str:
    """The name of the YAML of a dataset: of uncut videos that of the dataset of their clips."""
    return name.removesuffix(WHOLE)


def read_annotations(settings: DatasetConfig, warnings: list[str] | None = None) -> dict[str, Annotation]:
    """Name of each video or clip -> its split and captions, in the order of the file; empty without captions.

    What was guessed, e.g. an encoding, is appended to `warnings`. AnnotationError names the file, or its address, and
    the line of an invalid entry.
    """
    told: list[str] = [] if warnings is None else warnings
    if settings.captions is None:
        return {}
    path = Path(settings.captions)
    refresh(path, told)
    try:
        return _read(settings, path, told)
    except AnnotationError as error:
        raise AnnotationError(str(error).replace(str(path), name_of_source(path))) from None


def _read(settings: DatasetConfig, path: Path, told: list[str]) -> dict[str, Annotation]:
    assert settings.captions is not None
    from_sidecars = settings.captions in SIDECARS
    annotations = _collected(
        read_sidecars(Path(settings.videos), settings.captions, told) if from_sidecars else read_rows(path, told)
    )
    if not annotations and not from_sidecars:
        raise AnnotationError(f"{path}: no captions in it")
    if not annotations and settings.only_named:
        raise AnnotationError(f"{path}: no captions beside any video, and only_named would leave out all of them")
    return _with_splits(annotations, settings.split_fractions)


def _collected(rows: Iterable[Entry]) -> dict[str, Annotation]:
    """The rows of each video and clip together, with the split that one of them names."""
    annotations: dict[str, Annotation] = {}
    clips = ClipNames()
    for where, row in rows:
        video, text = row["video"].strip(), " ".join(row["caption"].split())
        clip = clips.clip_of(row, where) if video else None
        if not video or not (text or clip):  # a clip without a caption can be searched
            raise AnnotationError(f"{where}: 'video' and 'caption' must not be empty")
        split = (row.get("split") or "").strip()
        if split and split not in SPLITS:
            raise AnnotationError(
                f"{where}: split {split[:40]!r} is none of {', '.join(SPLITS)}; put quotes around a caption with commas"
            )
        name = clip.name if clip else video
        previous = annotations.get(name, Annotation(split, (), clip))
        if previous.clip != clip:
            raise AnnotationError(f"{where}: {name!r} is the name of another video or clip above; rename one of them")
        if split and previous.split and previous.split != split:
            raise AnnotationError(f"{where}: {name} is in split {split!r} here and in {previous.split!r} above")
        tags = tuple(tag.strip() for tag in (row.get("tags") or "").split(";") if tag.strip())
        grade = grade_of(row["grade"], where) if row.get("grade") else 1
        captions = (*previous.captions, Caption(text, tags, grade=grade)) if text and grade else previous.captions
        annotations[name] = Annotation(previous.split or split, captions, clip)
    return annotations


def _with_splits(annotations: dict[str, Annotation], fractions: SplitFractions) -> dict[str, Annotation]:
    """The annotations, those without a split in one that others of the same video have, or that the hash of its name
    gives: clips of one video are alike. A clip without captions stays in none."""
    named: dict[str, str] = {}
    for name, one in annotations.items():
        if one.split:
            named.setdefault(one.video(name), one.split)
    unnamed = dict.fromkeys(one.video(name) for name, one in annotations.items() if not one.split and one.captions)
    by_hash = splits_by_hash([video for video in unnamed if video not in named], fractions, set(named.values()))
    splits = by_hash | named
    return {
        name: replace(one, split=splits[one.video(name)]) if one.captions and not one.split else one
        for name, one in annotations.items()
    }


def videos_in(annotations: Mapping[str, Annotation]) -> Collection[str]:
    """The names of the videos, also of those of which there are only clips, in the order of the file."""
    return dict.fromkeys(one.video(name) for name, one in annotations.items()).keys()


def annotation_files(settings: DatasetConfig) -> list[Path]:
    """Paths of the existing files that the captions and splits are read from, sorted."""
    if settings.annotations:
        folder = Path(settings.annotations.folder)
        return sorted(path for pattern in ("*", "released/*") for path in folder.glob(pattern) if path.is_file())
    if settings.captions in SIDECARS:
        beside = caption_sidecars(Path(settings.videos), settings.captions)
        return sorted({path for path in beside.values() if path.is_file()})
    if settings.captions:
        refresh(Path(settings.captions), [])
    return [Path(settings.captions)] if settings.captions and Path(settings.captions).exists() else []
