"""The manifest of a dataset (its videos with content hashes, captions and splits), saved and loaded as JSON."""

import dataclasses
import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.datasets.annotations import Caption
from pipeline.datasets.splits import FILL_SPLITS
from pipeline.errors import AnnotationError, DamagedError, NewerVersionError, RemoteError
from pipeline.stores import damage, fingerprint, places

MANIFEST_VERSION = 1

FORMAT = 1
"""Raised by hand when an older program could misunderstand manifest.json."""

MISSING = "no such file"
"""Problem of a captioned video whose file is missing."""

UNLABELLED = ""
"""Split of a video without captions: it is extracted and can be searched, but not used in training or evaluation."""


@dataclass(frozen=True)
class Video:
    """One video of a dataset."""

    video_id: str
    """Path below the dataset's folder, which tells equal file names in two folders apart."""
    content: str
    """32 hex digits of a hash of its bytes and those of its subtitle file, whatever it is called."""
    split: str
    captions: tuple[Caption, ...]
    duration_s: float
    has_video: bool
    has_audio: bool
    has_subtitles: bool
    note: str = ""
    """A shortfall of a damaged file that can be used."""
    problem: str = ""
    """Why the file cannot be used, or what lies in its place; empty when it can."""
    seekable: bool = True
    """Whether a reading may begin in the middle (see `VideoInfo`). Decides only speed: no part of the recipe."""
    stamps: tuple[int, ...] = ()
    """Size and time of the file and its subtitles when they were hashed (see `stamps.stamps_of`); empty: not known.

    No part of the recipe: a copy of a dataset has the same manifest.
    """

    @property
    def is_missing(self) -> bool:
        """Whether there is no file that could be read: none, or something else in its place."""
        return self.problem == MISSING or self.content == missing_content(self.video_id, self.problem)


def missing_content(video_id: str, problem: str) -> str:
    """In place of a content hash, for a captioned video without a file."""
    told = {} if problem == MISSING else {"problem": problem}  # so that a row with another reason is another row
    return fingerprint.fingerprint({"missing": video_id} | told)


@dataclass(frozen=True)
class Manifest:
    """All videos of a dataset, sorted by id."""

    dataset: str
    root: Path
    fingerprint: str
    videos: tuple[Video, ...]
    warnings: tuple[str, ...] = ()
    """Differences from the known dataset, e.g. other counts or missing videos, for the user to read."""

    def path(self, video: Video) -> Path:
        """Path of the file of `video`."""
        return self.root / video.video_id

    def split(self, name: str) -> list[Video]:
        """The captioned videos of a split."""
        return [video for video in self.videos if video.split == name and video.captions]

    def refuse_empty(self, *groups: Sequence[str]) -> None:
        """AnnotationError when the splits of one of the groups together hold no captioned video that can be used."""
        empty = {" or ".join(group): group for group in groups if not any(map(self._usable, group))}
        if empty:
            unread = sum(len(self.split(name)) for group in empty.values() for name in group)
            unread_too = f" but {unread} that cannot be read" if unread else ""
            where = " and the ".join(empty)
            raise AnnotationError(
                f"{self.dataset}: no captioned video{unread_too} in the {where} split, so the run could not end; "
                + FILL_SPLITS
            )

    def _usable(self, name: str) -> bool:
        # Imported features need no file: whether a missing one is missed, the extraction tells.
        return any(not video.problem or video.is_missing for video in self.split(name))


def recipe(dataset: str, videos: list[Video]) -> fingerprint.Recipe:
    """The recipe of a manifest: its videos by content, with their captions and splits."""
    entries = [
        [video.video_id, video.content, video.split, [[caption.text, *caption.tags] for caption in video.captions]]
        for video in videos
    ]
    return {"stage": "manifest", "version": MANIFEST_VERSION, "dataset": dataset, "videos": entries}


def save(manifest: Manifest, folder: Path) -> None:
    """Writes `folder/<fingerprint>/manifest.json` atomically."""
    videos = [dataclasses.asdict(video) for video in manifest.videos]
    body = {"format": FORMAT, "warnings": list(manifest.warnings), "videos": videos}
    path = folder / manifest.fingerprint / "manifest.json"
    places.write_text(path, json.dumps(body | {"sha256": _digest(body)}, ensure_ascii=False, indent=1))
    _load_videos.cache_clear()  # a manifest of the same fingerprint may have had other stamps


def write_pointer(folder: Path, digest: str, name: str, warnings: Sequence[str] = ()) -> None:
    """Records the fingerprint `name` of the manifest that belongs to a scan digest (see `scan.scan_digest`).

    The warnings depend on the settings, e.g. on the known counts, and no fingerprint of a manifest tells these apart.
    """
    places.write_text(folder / f"look-{digest}.json", json.dumps({"manifest": name, "warnings": list(warnings)}))


def read_warnings(folder: Path, digest: str) -> tuple[str, ...] | None:
    """The warnings that belong to a scan digest, or None where an older version recorded none."""
    try:
        pointer = json.loads((places.listed(folder) / f"look-{digest}.json").read_text(encoding="utf-8"))
        return tuple(pointer["warnings"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def read_pointer(folder: Path, digest: str) -> str | None:
    """The fingerprint of the manifest that belongs to a scan digest, or None when there is none yet."""
    try:
        name: str = json.loads((places.listed(folder) / f"look-{digest}.json").read_text(encoding="utf-8"))["manifest"]
        return name if places.fetched(folder / name / "manifest.json").exists() else None
    except RemoteError:
        raise
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None  # a damaged pointer costs one more scan of the folder


def delete_pointers(folder: Path) -> None:
    """Deletes all pointers, so that the dataset's folder is scanned again even if its digest is the same."""
    for pointer in places.listed(folder).glob("look-*.json"):
        places.remove(pointer)


def load(dataset: str, root: Path, folder: Path, name: str) -> Manifest:
    """The manifest with the fingerprint `name` that `save` wrote.

    DamagedError when it is damaged or missing, NewerVersionError when a newer version of the program wrote it.
    """
    return Manifest(dataset, root, name, *_load_videos(places.fetched(folder / name / "manifest.json")))


@functools.lru_cache(maxsize=8)
def _load_videos(path: Path) -> tuple[tuple[Video, ...], tuple[str, ...]]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        if body.get("format", 0) > FORMAT:
            raise NewerVersionError(path, f"format {body['format']}")
        if "sha256" in body and body["sha256"] != _digest(body):
            raise DamagedError(path.parent, "manifest.json has another checksum than when it was written")
        unknown = sorted({key for item in body["videos"] for key in item.keys() - _VIDEO_KEYS})
        if unknown and "sha256" in body:  # without a checksum, a flipped bit of a key looks the same
            raise NewerVersionError(path, f"unknown key {unknown[0]!r}")
        return tuple(_from_json(item) for item in body["videos"]), tuple(body.get("warnings", ()))
    except (DamagedError, NewerVersionError):
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise damage.unreadable(path.parent, path.name, error) from None


_VIDEO_KEYS = {field.name for field in dataclasses.fields(Video)}


def _digest(body: dict[str, Any]) -> str:
    signed = {key: body[key] for key in ("format", "warnings", "videos")}
    return fingerprint.text_sha256(fingerprint.canonical(signed))


def _from_json(item: dict[str, Any]) -> Video:
    captions = tuple(Caption(caption["text"], tuple(caption["tags"])) for caption in item.pop("captions"))
    return Video(captions=captions, stamps=tuple(item.pop("stamps", ())), **item)
