"""Tells which parts of a known dataset are on disk, and how to get the missing ones."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import cast

from pipeline.datasets.annotations import Annotation, DatasetConfig
from pipeline.datasets.readers import released
from pipeline.datasets.sources import AnnotationFiles, Part
from pipeline.datasets.video_files import find_videos
from pipeline.errors import ConfigError
from pipeline.remote_files.look import name_of_source

NOT_FORMATS = {"__init__", "parsing", "released"}
"""Modules in pipeline/datasets/readers/ that a YAML cannot name."""


def reader(name: str) -> ModuleType:
    """The module in pipeline/datasets/readers/ for `annotations.format`; ConfigError lists the known formats."""
    if name not in formats():
        raise ConfigError(f"annotations.format {name!r}: there are {', '.join(formats())}")
    return importlib.import_module(f"pipeline.datasets.readers.{name}")


def formats() -> list[str]:
    """The known formats, sorted."""
    return sorted({path.stem for path in (Path(__file__).parent / "readers").glob("*.py")} - NOT_FORMATS)


def clip_reader(name: str) -> Callable[[Path, str], dict[str, Annotation] | None]:
    """What reads the pieces of videos in this format; ConfigError where its files name none, with those that do."""
    found = getattr(reader(name), "read_clips", None)
    if found is None:
        known = ", ".join(one for one in formats() if hasattr(reader(one), "read_clips"))
        raise ConfigError(f"annotations.clips: {name} names no pieces of videos that are read; these do: {known}")
    return cast("Callable[[Path, str], dict[str, Annotation] | None]", found)


def is_imported(settings: DatasetConfig) -> bool:
    """Whether released features were imported for the dataset, so that it needs no videos."""
    files = settings.annotations
    return bool(files and settings.released and released.has_captions(settings.released.folder(files)))


def has_videos(settings: DatasetConfig) -> bool:
    """Whether the dataset's folder holds a video, at any depth."""
    root = Path(settings.videos)
    return root.is_dir() and bool(find_videos(root))


def has_annotations(files: AnnotationFiles) -> bool:
    """Whether the owners' annotation files are on disk."""
    return reader(files.format).read(Path(files.folder), files.variant) is not None


def how_to_get(name: str, settings: DatasetConfig) -> str:
    """A message for the user: the missing parts of the dataset, with sources, licences, sizes and target folders."""
    if settings.annotations is None:
        where = name_of_source(Path(settings.videos))
        return f"{where}: no videos there; put them there or change 'videos' in configs/datasets/{name}.yaml"
    return "\n".join([f"{name}: not all of it is here. It needs", *_lines(name, settings, settings.annotations)])


def _lines(name: str, settings: DatasetConfig, files: AnnotationFiles) -> Iterator[str]:
    if not has_videos(settings):
        yield f"- videos, below {settings.videos}"
        yield from (_line(part) for part in settings.parts if part.into == settings.videos)
    if not has_annotations(files):
        yield f"- annotations, in {files.folder}: {reader(files.format).FILES}"
        parts = [part for part in settings.parts if part.into != settings.videos]
        yield from map(_line, parts)
        if any(part.public for part in parts):
            yield f"    luigi --module tasks FetchAnnotations --dataset {name} gets what is public"
    if settings.released and not is_imported(settings):
        archives = settings.released.archives
        yield "or, in place of the videos, the features that the authors published:"
        yield from (f"    {archive.release} (size: {archive.size}): {archive.urls[0]}" for archive in archives)
        yield f"    luigi --module tasks ImportExperts --dataset {name} gets and imports them (--archive FILE: yours)"
    yield "then the same command again"


def _line(part: Part) -> str:
    return f"    {part.what} ({part.size}; {part.licence}): {part.where}"
