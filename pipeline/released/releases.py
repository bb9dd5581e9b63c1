"""Chooses and downloads released archives, and keeps the captions and lists in them."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline import config
from pipeline.datasets import annotations
from pipeline.datasets.annotations import DatasetConfig
from pipeline.datasets.readers import released
from pipeline.datasets.sources import AnnotationFiles, Archive, Released
from pipeline.errors import ArchiveError, ConfigError
from pipeline.stores.atomic import replacing
from pipeline.untrusted.archives import Unpacked
from pipeline.untrusted.download import Checksum, Progress, fetch, file_name
from pipeline.untrusted.unpickle import load_pickle

ANNOTATIONS = (released.CAPTIONS, "*_list*.txt", "jsfusion_val_caption_idx.pkl", released.MAPPING)
"""File names of captions and lists; without folders, since one release has misspelt them."""


@dataclass(frozen=True)
class Release:
    """The released features of a dataset and the location of its annotations."""

    dataset: str
    released: Released
    annotations: AnnotationFiles

    @property
    def folder(self) -> Path:
        """Folder of the archive's captions and lists."""
        return self.released.folder(self.annotations)

    @property
    def downloads(self) -> Path:
        """Folder of the downloaded archives."""
        return Path(self.annotations.folder) / "archives"


def release_of(name: str, settings: DatasetConfig) -> Release:
    """The released features of a dataset; ConfigError when its YAML names none."""
    if settings.released is None or settings.annotations is None:
        raise ConfigError(f"configs/datasets/{name}.yaml names no released features; there is nothing to import")
    return Release(name, settings.released, settings.annotations)


def choose(release: Release, name: str) -> Archive:
    """The archive called `name`, or the first one when that is empty; ConfigError for an unknown name."""
    archives = {archive.release: archive for archive in release.released.archives}
    if name and name not in archives:
        raise ConfigError(f"--release {name}: there are {', '.join(archives)}")
    return archives[name or next(iter(archives))]


def local(release: Release, source: str, name: str, progress: Progress) -> Path:
    """Path of the archive (file or folder): `source`, downloaded first when it is a URL, or the release's when empty.

    ConfigError for an unknown release, or one whose URL is not public; FetchError when the download fails.
    """
    if source and not source.startswith(("http://", "https://")):
        return Path(source)
    if source:
        return fetch([source], release.downloads / file_name(source), Checksum(), progress)
    archive = choose(release, name)
    if any("<" in url for url in archive.urls):
        raise ConfigError(
            f"the address of {archive.release} is known only to those who have the licence ({archive.urls[0]}): give "
            "it, or the file, as --archive"
        )
    return fetch(archive.urls, release.downloads / file_name(archive.urls[0]), Checksum("sha1", archive.sha1), progress)


def keep_annotations(release: Release, members: Mapping[str, Unpacked]) -> list[str]:
    """Copies the captions and lists among the members to the release's folder; returns their names.

    ArchiveError when the folder then has no captions.
    """
    kept = []
    for member, unpacked in members.items():
        name = PurePosixPath(member).name
        if not is_annotation(member):
            continue
        if name.endswith(".pkl"):
            load_pickle(unpacked.path, member)  # raises when it is damaged or not safe to read
        with replacing(release.folder / name) as temporary:
            shutil.copyfile(unpacked.path, temporary)
        kept.append(name)
    if not released.has_captions(release.folder):
        raise ArchiveError(f"no {released.CAPTIONS} in the archive, nor in {release.folder}: put it there")
    return kept


def is_annotation(member: str) -> bool:
    """Whether a member of an archive is a captions file or a list."""
    return any(PurePosixPath(member).match(pattern) for pattern in ANNOTATIONS)


def zoo(folder: Path = annotations.DATASETS) -> str:
    """A Markdown table of all archives in the dataset configs; datasets that share an archive share a row."""
    rows: dict[tuple[str, str], list[str]] = {}
    for name in config.names(folder):
        settings = annotations.load_dataset(name, folder)
        for archive in settings.released.archives if settings.released else ():
            key = (archive.urls[0], archive.release)
            row = rows.setdefault(key, ["", _link(archive), archive.size, _digits(archive), ", ".join(archive.experts)])
            row[0] = f"{row[0]}, {name}" if row[0] else name
    lines = ["| dataset | archive | size | sha1 | experts |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows.values())]) + "\n"


def _link(archive: Archive) -> str:
    return f"[{archive.release}]({archive.urls[0]})" if "<" not in archive.urls[0] else archive.release


def _digits(archive: Archive) -> str:
    checksums = (f"`{digits}`" if len(digits) == 40 else f"`{digits}...`" for digits in archive.sha1)
    return " or ".join(checksums) or "not published"
