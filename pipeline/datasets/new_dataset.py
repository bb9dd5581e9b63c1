"""Writes the YAML of a user's own dataset: a folder of videos, with or without captions."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

from pipeline.datasets.annotations import Annotation, DatasetConfig, read_annotations, videos_in
from pipeline.datasets.caption_sidecars import SIDECARS, caption_sidecar
from pipeline.datasets.matching import names_of
from pipeline.datasets.splits import SPLITS
from pipeline.datasets.video_files import find_videos
from pipeline.errors import AnnotationError, ConfigError
from pipeline.remote.objects import is_remote
from pipeline.remote_files.look import name_of_source
from pipeline.remote_files.patterns import is_pattern
from pipeline.stores import atomic

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")

MAX_FAILED_FRACTION = 0.25
"""Higher than the default, since nobody has checked these files; the report lists every file that cannot be read."""


@dataclass(frozen=True)
class DatasetSummary:
    """Numbers of videos and captions of a new dataset."""

    path: Path
    """Of the YAML."""
    num_videos: int
    num_captioned: int
    splits: dict[str, int]
    """Split -> number of captioned videos; empty without captions."""
    unknown: tuple[str, ...]
    """Names in the captions that match no video."""
    warnings: tuple[str, ...] = ()
    """What was guessed of the captions, e.g. their encoding."""
    num_clips: int = 0
    """Pieces of the videos that captions name."""


@dataclass(frozen=True)
class Options:
    """What else a new dataset says in its YAML."""

    max_failed_fraction: float = MAX_FAILED_FRACTION
    only_named: bool = False
    """Leave out the videos that captions do not name."""


_BY_DEFAULT = Options()


class Places(Protocol):
    """Where configs lie, and the videos and captions that are named in them."""

    @property
    def configs(self) -> Path:
        """Folder of all configs."""

    def videos(self, named: str) -> Path:
        """Folder of the videos; for those elsewhere the one that stands for them."""

    def captions(self, named: str | None) -> str | None:
        """The captions; for those elsewhere the path of the file that stands for them."""


def write_dataset(
    name: str, videos: str, captions: str, model: str, layout: Places, options: Options = _BY_DEFAULT
) -> DatasetSummary:
    """Writes <name>.yaml to the configs of datasets and returns the numbers of the dataset.

    `videos` is a folder, an address, a list or a pattern (`pipeline/remote_files/`), `captions` a path or an address.
    With `captions` empty, those beside the videos are used if there are any. ConfigError for an invalid name or one
    that is taken; AnnotationError when there are no videos, or the captions match none of them.
    """
    path = layout.configs / "datasets" / f"{name}.yaml"
    if not NAME.fullmatch(name):
        raise ConfigError(f"--name {name!r}: letters, digits, - and _ only, for it names a file and folders")
    if path.exists():
        raise ConfigError(f"{path} is there already; edit it, or choose another --name")
    named = videos if is_remote(videos) else str(Path(videos).expanduser())
    root = layout.videos(named)
    beside = _beside(root, SIDECARS if is_pattern(named) else SIDECARS[:1])
    source = captions or beside
    if options.only_named and not source:
        raise ConfigError("--only-named leaves out what captions do not name, and there are none; name some")
    settings = DatasetConfig(named, source or None, model=model, **asdict(options))
    here = replace(settings, videos=str(root), captions=layout.captions(settings.captions))
    warnings: list[str] = []
    annotations, is_read = _annotations(here, warnings, bool(captions or options.only_named))
    settings = settings if is_read else replace(settings, captions=None)
    called = videos_in(annotations)
    files = find_videos(root, warnings, named=lambda: called)
    names = names_of(files)
    unknown = tuple(sorted(name for name in called if not names.find(name)))
    if called and len(unknown) == len(called):
        raise AnnotationError(f"{source}: names {unknown[0]!r} and others, none of which is in {name_of_source(root)}")
    found = [one for name, one in annotations.items() if names.find(one.video(name))]
    splits = Counter(one.split for one in found if one.captions)
    atomic.write_text(path, _yaml(name, settings))
    ordered = {split: splits[split] for split in SPLITS} if annotations else {}
    num_clips = sum(one.clip is not None for one in found)
    num_videos = len(set().union(*map(names.find, called))) if options.only_named else len(files)
    return DatasetSummary(path, num_videos, sum(splits.values()), ordered, unknown, tuple(warnings), num_clips)


def _annotations(
    settings: DatasetConfig, warnings: list[str], is_asked_for: bool
) -> tuple[dict[str, Annotation], bool]:
    """The captions, and whether they can be read; AnnotationError where not, but for a JSON that nobody asked for."""
    try:
        return read_annotations(settings, warnings), True
    except AnnotationError as error:
        if is_asked_for or settings.captions != SIDECARS[1]:
            raise
        warnings.append(f"{error}; so what lies beside the videos is not read as captions")
        return {}, False


def _beside(root: Path, kinds: Sequence[str]) -> str:
    """The first of these kinds of captions that lies beside a video, e.g. "*.txt"; empty for none.

    AnnotationError where there are no videos.
    """
    warnings: list[str] = []
    files = find_videos(root, warnings)
    if not files:
        told = f" ({warnings[0]})" if warnings else ""
        raise AnnotationError(f"{name_of_source(root)}: no videos there, at any depth{told}")
    return next((kind for kind in kinds if any(caption_sidecar(file.path, kind).is_file() for file in files)), "")


def _yaml(name: str, settings: DatasetConfig) -> str:
    lines = [
        f"# Videos of your own: luigi --module tasks EvaluateCE --dataset {name}",
        f"videos: {_text(settings.videos)}",
    ]
    if settings.captions:
        fractions = settings.split_fractions
        lines += [
            f"captions: {_text(settings.captions)}",
            *(["only_named: true  # videos that no caption names are left out"] if settings.only_named else []),
            "split_fractions:  # of the videos whose captions name no split; decided by a hash of the name",
            *(f"  {split}: {getattr(fractions, split)}" for split in SPLITS),
        ]
    else:
        lines.append(
            '# captions: captions.csv  # columns video, caption, split; .jsonl, .parquet; or "*.txt" beside the videos'
        )
    lines += [
        f"model: {_text(settings.model)}",
        f"max_failed_fraction: {settings.max_failed_fraction}  # more unreadable files than this stop a run",
    ]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """The value as a YAML scalar; quoted as in JSON, which YAML can read, where it holds special characters."""
    return value if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./-]*", value) else json.dumps(value)
