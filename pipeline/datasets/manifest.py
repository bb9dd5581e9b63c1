"""The manifest of a dataset (its videos with content hashes, captions and splits), saved and loaded."""

import functools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

from pipeline.datasets import asked
from pipeline.datasets.splits import FILL_SPLITS
from pipeline.datasets.video import MISSING, UNLABELLED, Video, missing_content
from pipeline.datasets.video_columns import Columns, open_table
from pipeline.datasets.video_json import FIELDS, from_json, to_json
from pipeline.datasets.videos import Listed, Videos
from pipeline.errors import AnnotationError, DamagedError, NewerVersionError, RemoteError
from pipeline.stores import atomic, damage, fingerprint, places

__all__ = ["MISSING", "UNLABELLED", "Files", "Manifest", "Video", "missing_content"]

MANIFEST_VERSION = 1

NAME = "manifest.json"
SUFFIX = ".parquet"

FORMAT = 2
"""Raised by hand when an older program could misunderstand manifest.json: 1 holds the videos, 2 names their table."""


@dataclass(frozen=True)
class Manifest:
    """All videos of a dataset, sorted by file, clips of one file by their spans."""

    dataset: str
    root: Path
    fingerprint: str
    videos: Videos
    warnings: tuple[str, ...] = ()
    """Differences from the known dataset, e.g. other counts or missing videos, for the user to read."""

    def __post_init__(self) -> None:
        if not isinstance(self.videos, Videos):  # a plain sequence of them
            object.__setattr__(self, "videos", Listed(self.videos))

    def path(self, video: Video) -> Path:
        """Path of the file of `video`, or of that which the clip is of."""
        return self.root / (video.file or video.video_id)

    @property
    def has_files(self) -> bool:
        """Whether there was a file of any video."""
        return any(not video.is_missing for video in self.videos)

    def split(self, name: str) -> list[Video]:
        """The captioned videos of a split."""
        return list(self.videos.of_split(name))

    def refuse_empty(self, *groups: Sequence[str]) -> None:
        """AnnotationError when the splits of one of the groups together hold no captioned video that can be used."""
        empty = {" or ".join(group): group for group in groups if not any(map(self._usable, group))}
        if empty:
            unread = sum(1 for group in empty.values() for name in group for _ in self.videos.of_split(name))
            unread_too = f" but {unread} that cannot be read" if unread else ""
            where = " and the ".join(empty)
            raise AnnotationError(
                f"{self.dataset}: no captioned video{unread_too} in the {where} split, so the run could not end; "
                + FILL_SPLITS
            )

    def _usable(self, name: str) -> bool:
        # Imported features need no file: whether a missing one is missed, the extraction tells.
        return any(video.is_usable for video in self.videos.of_split(name))


class Files(Sequence[tuple[Path, Video]]):
    """(file, video) of each video of a manifest, in its order; made when they are asked for."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def __len__(self) -> int:
        return len(self._manifest.videos)

    @overload
    def __getitem__(self, at: int) -> tuple[Path, Video]: ...
    @overload
    def __getitem__(self, at: slice) -> list[tuple[Path, Video]]: ...
    def __getitem__(self, at: int | slice) -> tuple[Path, Video] | list[tuple[Path, Video]]:
        found = self._manifest.videos[at]
        return self._of(found) if isinstance(found, Video) else list(map(self._of, found))

    def __iter__(self) -> Iterator[tuple[Path, Video]]:
        return map(self._of, self._manifest.videos)

    def _of(self, video: Video) -> tuple[Path, Video]:
        return self._manifest.path(video), video


def recipe(dataset: str, videos: Iterable[Video]) -> fingerprint.Recipe:
    """The recipe of a manifest: its videos by content, with their captions and splits."""
    return _recipe_but_videos(dataset) | {"videos": list(map(_entry, videos))}


def of(dataset: str, root: Path, videos: Videos, warnings: Sequence[str] = ()) -> Manifest:
    """The manifest of these videos, with the fingerprint of its recipe, which is not held as a whole."""
    name = fingerprint.fingerprint_of_long(_recipe_but_videos(dataset), "videos", map(_entry, videos))
    return Manifest(dataset, root, name, videos, tuple(warnings))


def _recipe_but_videos(dataset: str) -> fingerprint.Recipe:
    return {"stage": "manifest", "version": MANIFEST_VERSION, "dataset": dataset}


def _entry(video: Video) -> list[fingerprint.Plain]:
    captions = [[caption.text, *caption.tags] for caption in video.captions]
    # The content of a clip tells its span; where it lies is known to what is made of the manifest, e.g. an index.
    of_clip: list[fingerprint.Plain] = [video.file] if video.span_s else []
    known = asked.pack(video.captions)
    judged: list[fingerprint.Plain] = [["asked", known]] if known else []
    return [video.video_id, video.content, video.split, captions, *of_clip, *judged]


def save(manifest: Manifest, folder: Path) -> None:
    """Writes `folder/<fingerprint>/manifest.json` atomically, and beside it the table of a large number of videos."""
    path = folder / manifest.fingerprint / NAME
    videos, table = manifest.videos, None
    if isinstance(videos, Columns):
        table = _save_table(videos, path.parent)
        body = {"format": FORMAT, "warnings": list(manifest.warnings), "videos": table}
    else:
        listed = list(map(to_json, videos))
        body = {"format": 1, "warnings": list(manifest.warnings), "videos": listed}
    places.write_text(path, json.dumps(body | {"sha256": _digest(body)}, ensure_ascii=False, indent=1))
    for other in path.parent.glob(f"*{SUFFIX}"):
        if table is None or other.name != table["name"]:
            places.remove(other)
    _load_videos.cache_clear()  # a manifest of the same fingerprint may have had other stamps


def _save_table(videos: Columns, folder: Path) -> dict[str, str]:
    """Writes the table under a name of its own, so that the one of another manifest.json stays until that is replaced.

    Returns what manifest.json says of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = atomic.temporary(folder / f"videos{SUFFIX}")
    try:
        digest = videos.write(written)
        path = folder / f"videos-{digest[:8]}{SUFFIX}"
        places.publish(written, path)
    finally:
        written.unlink(missing_ok=True)
    return {"name": path.name, "sha256": digest}


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
        return name if places.fetched(folder / name / NAME).exists() else None
    except RemoteError:
        raise
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None  # a damaged pointer costs one more scan of the folder


def newest_pointer(folder: Path) -> str | None:
    """The fingerprint of the manifest of the newest scan, which may be outdated; None where none was ever built."""
    pointers = sorted(places.listed(folder).glob("look-*.json"), key=lambda path: path.stat().st_mtime)
    return read_pointer(folder, pointers[-1].stem.removeprefix("look-")) if pointers else None


def delete_pointers(folder: Path) -> None:
    """Deletes all pointers, so that the dataset's folder is scanned again even if its digest is the same."""
    for pointer in places.listed(folder).glob("look-*.json"):
        places.remove(pointer)


def load(dataset: str, root: Path, folder: Path, name: str) -> Manifest:
    """The manifest with the fingerprint `name` that `save` wrote.

    DamagedError when it is damaged or missing, NewerVersionError when a newer version of the program wrote it.
    """
    return Manifest(dataset, root, name, *_load_videos(places.fetched(folder / name / NAME)))


@functools.lru_cache(maxsize=8)
def _load_videos(path: Path) -> tuple[Videos, tuple[str, ...]]:
    text = ""
    while True:
        try:
            before, text = text, path.read_text(encoding="utf-8")
            try:
                return _parse(path, json.loads(text))
            except FileNotFoundError:  # another process has just saved it again, with another table
                if text == before:
                    raise
        except (DamagedError, NewerVersionError):
            raise
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise damage.unreadable(path.parent, path.name, error) from None


def _parse(path: Path, body: dict[str, Any]) -> tuple[Videos, tuple[str, ...]]:
    if body.get("format", 0) > FORMAT:
        raise NewerVersionError(path, f"format {body['format']}")
    is_table = isinstance(body["videos"], dict)  # written only with a checksum, by contrast with the oldest lists
    if (is_table or "sha256" in body) and body["sha256"] != _digest(body):
        raise DamagedError(path.parent, f"{path.name} has another checksum than when it was written")
    warnings = tuple(body.get("warnings", ()))
    if is_table:
        return open_table(places.fetched(path.with_name(body["videos"]["name"])), body["videos"]["sha256"]), warnings
    return _listed(path, body), warnings


def _listed(path: Path, body: dict[str, Any]) -> Videos:
    unknown = sorted({key for item in body["videos"] for key in item.keys() - FIELDS})
    if unknown and "sha256" in body:  # without a checksum, a flipped bit of a key looks the same
        raise NewerVersionError(path, f"unknown key {unknown[0]!r}")
    return Listed(from_json(item) for item in body["videos"])


def _digest(body: dict[str, Any]) -> str:
    signed = {key: body[key] for key in ("format", "warnings", "videos")}
    return fingerprint.text_sha256(fingerprint.canonical(signed))
