"""Writes the YAML of a dataset of one's own: a folder of videos, with captions or without."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pipeline.datasets.annotations import BESIDE, SPLITS, DatasetConfig, read_annotations
from pipeline.datasets.files import find_videos
from pipeline.datasets.matching import names_of
from pipeline.errors import AnnotationError, ConfigError
from pipeline.stores import atomic

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")

MAX_FAILED_FRACTION = 0.25
"""Collections of one's own hold what nobody has checked; the report lists every file that cannot be read."""


@dataclass(frozen=True)
class Described:
    """A new dataset, in numbers."""

    path: Path
    num_videos: int
    num_captioned: int
    splits: dict[str, int]
    """Captioned videos by split; empty without captions."""
    unknown: tuple[str, ...]
    """Names in the captions that fit no video."""


def write_dataset(name: str, videos: str, captions: str, model: str, folder: Path) -> Described:
    """Writes `folder/<name>.yaml` and tells what is in the dataset; ConfigError when there is one of that name.

    Without `captions` those in text files beside the videos are taken, if there are any.
    """
    path = folder / f"{name}.yaml"
    if not NAME.fullmatch(name):
        raise ConfigError(f"--name {name!r}: letters, digits, - and _ only, for it names a file and folders")
    if path.exists():
        raise ConfigError(f"{path} is there already; edit it, or choose another --name")
    root = str(Path(videos).expanduser())
    found = find_videos(Path(root))
    if not found:
        raise AnnotationError(f"{root}: no videos there, at any depth")
    said_in = captions or (BESIDE if any(one.path.with_suffix(".txt").is_file() for one in found) else "")
    settings = DatasetConfig(videos=root, captions=said_in or None, model=model)
    said = read_annotations(settings)
    known = names_of(found)
    unknown = tuple(sorted(said.keys() - known.keys()))
    if said and len(unknown) == len(said):
        raise AnnotationError(f"{said_in}: names {unknown[0]!r} and others, none of which is in {root}")
    splits = Counter(one.split for video, one in said.items() if video in known)
    atomic.write_text(path, _yaml(name, settings))
    ordered = {split: splits[split] for split in SPLITS} if said else {}
    return Described(path, len(found), sum(splits.values()), ordered, unknown)


def _yaml(name: str, settings: DatasetConfig) -> str:
    lines = [
        f"# Videos of your own: luigi --module tasks EvaluateCE --dataset {name}",
        f"videos: {_text(settings.videos)}",
    ]
    if settings.captions:
        shares = settings.split_fractions
        lines += [
            f"captions: {_text(settings.captions)}",
            "split_fractions:  # of the videos whose captions name no split; decided by a hash of the name",
            *(f"  {split}: {getattr(shares, split)}" for split in SPLITS),
        ]
    else:
        lines.append(
            '# captions: captions.csv  # columns video, caption, split; or a .jsonl; or "*.txt" beside the videos'
        )
    lines += [
        f"model: {_text(settings.model)}",
        f"max_failed_fraction: {MAX_FAILED_FRACTION}  # more unreadable files than this stop a run",
    ]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """Quoted as JSON, which YAML reads: file names hold anything."""
    return value if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./-]*", value) else json.dumps(value)
