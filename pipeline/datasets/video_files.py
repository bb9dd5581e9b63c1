"""Finds the video files of a dataset and the subtitle files beside them, by names, sizes and dates alone."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import NamedTuple, overload

from pipeline.datasets.stamps import Stamp, joined_stamp
from pipeline.datasets.video_paths import videos_among
from pipeline.datasets.walk import Folder, Found, walk
from pipeline.errors import AnnotationError
from pipeline.media.sidecars import Listing, Sidecar, is_subtitle, of_names, tail_of
from pipeline.remote_files.facts import Facts
from pipeline.remote_files.files import facts_below
from pipeline.remote_files.look import refresh


class VideoFile(NamedTuple):
    """A video file and the subtitle files beside it."""

    root: Path
    """The dataset's folder."""
    video_id: str
    """Path below the dataset's folder, with forward slashes."""
    size: int
    """In bytes; -1 for what is no regular file, e.g. a dangling link."""
    mtime_ns: int
    subtitles: tuple[str, ...] = ()
    """Names of the subtitle files, sorted."""
    sidecar_stamp: Stamp = (0, 0)
    """As `stamps.sidecar_stamp` gives it."""
    irregular: str = ""
    """Why the file must not be opened, e.g. "a named pipe, not a file"; empty when it may."""
    is_open: bool = True
    """Whether it is known that everybody may read the file and its subtitles."""

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self.root / self.video_id

    @property
    def sidecars(self) -> tuple[Sidecar, ...]:
        """The subtitle files, sorted by name."""
        return tuple(of_names(self.path, self.subtitles))

    @property
    def stamp(self) -> Stamp:
        """The stamp of the video file; (-1, 0) for what is no regular file."""
        return self.size, self.mtime_ns

    @property
    def stamps(self) -> tuple[int, ...]:
        """Both stamps, as `stamps_of` returns them."""
        return self.size, self.mtime_ns, *self.sidecar_stamp


@dataclass(eq=False, slots=True)
class VideoFiles(Sequence[VideoFile]):
    """N video files, sorted by id, as columns: of a million files, no object is kept for each.

    One is made whenever a file is asked for. What few files have is kept by id.
    """

    root: Path
    """The dataset's folder."""
    ids: list[str] = field(default_factory=list)
    """(N,)"""
    sizes: list[int] = field(default_factory=list)
    """(N,) and so the other three columns of stamps."""
    mtimes_ns: list[int] = field(default_factory=list)
    sidecar_sizes: list[int] = field(default_factory=list)
    sidecar_mtimes: list[int] = field(default_factory=list)
    subtitles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of the subtitle files of those that have some."""
    irregular: dict[str, str] = field(default_factory=dict)
    """Why some must not be opened."""
    closed: set[str] = field(default_factory=set)
    """Those of which, or of whose subtitles, it is not known that everybody may read them."""

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, at: int) -> VideoFile: ...
    @overload
    def __getitem__(self, at: slice) -> list[VideoFile]: ...
    def __getitem__(self, at: int | slice) -> VideoFile | list[VideoFile]:
        if isinstance(at, slice):
            return [self[one] for one in range(len(self))[at]]
        video_id = self.ids[at]
        return VideoFile(
            self.root,
            video_id,
            self.sizes[at],
            self.mtimes_ns[at],
            self.subtitles.get(video_id, ()),
            (self.sidecar_sizes[at], self.sidecar_mtimes[at]),
            self.irregular.get(video_id, ""),
            video_id not in self.closed,
        )

    def rows(self) -> Iterator[tuple[str, int, int, int, int]]:
        """Id and stamps of each file."""
        return zip(self.ids, *self._stamps, strict=True)

    @property
    def _stamps(self) -> tuple[list[int], list[int], list[int], list[int]]:
        return self.sizes, self.mtimes_ns, self.sidecar_sizes, self.sidecar_mtimes

    def only(self, wanted: Collection[str]) -> "VideoFiles":
        """Those of the files whose ids are wanted."""
        flags = [one in wanted for one in self.ids]
        ids = list(compress(self.ids, flags))
        sizes, times, beside_sizes, beside_times = (list(compress(column, flags)) for column in self._stamps)
        return VideoFiles(
            self.root,
            ids,
            sizes,
            times,
            beside_sizes,
            beside_times,
            self.subtitles,
            self.irregular,
            self.closed & {*ids},
        )

    def append(self, found: Found) -> None:
        """Adds a file."""
        self.ids.append(found.name)
        self.sizes.append(found.size)
        self.mtimes_ns.append(found.mtime_ns)
        if found.kind:
            self.irregular[found.name] = found.kind
        if not found.is_open:
            self.closed.add(found.name)

    def sort(self) -> None:
        """Sorts the columns by id."""
        order = sorted(range(len(self.ids)), key=self.ids.__getitem__)
        for column in (self.ids, *self._stamps):
            column[:] = map(column.__getitem__, order)  # type: ignore[arg-type]


class _Subtitles(NamedTuple):
    """The subtitle files of a folder."""

    listing: Listing
    files: dict[str, Found]
    """By name."""


def find_videos(
    root: Path,
    left_out: list[str] | None = None,
    named: Callable[[], Collection[str]] = tuple,
    may_hold: Callable[[Collection[str]], bool] = lambda _: True,
) -> VideoFiles:
    """The video files below `root`; hidden files and folders are left out.

    Which files are videos is told by `videos_among`, as are `named` and `may_hold`, which ask the captions. Links are
    followed. One that leads nowhere or in a circle is not, which is appended to `left_out`. AnnotationError when there
    is no such folder, a folder cannot be read, or a name is not UTF-8.
    """
    unfollowed: list[str] = [] if left_out is None else left_out
    if not root.is_dir():
        raise AnnotationError(f"{root}: no such folder; see 'videos' in the dataset's YAML")
    refresh(root, unfollowed)
    listed = list(_with_facts(walk(root, unfollowed), root))
    videos = videos_among(listed, root, unfollowed, named, may_hold)
    files = VideoFiles(root)
    for folder, of_folder in zip(listed, videos, strict=True):
        _add(files, of_folder, _subtitles(folder))
    files.sort()
    for video_id in files.ids:
        if not (video_id.isascii() or _is_utf8(video_id)):
            raise AnnotationError(f"{root}: the name {video_id!r} is not UTF-8, so it cannot be listed; rename it")
    return files


def _with_facts(walked: Iterable[Folder], root: Path) -> Iterator[Folder]:
    """What was walked; for files that stand for remote ones, what was listed of these."""
    facts = facts_below(root)
    for folder in walked:
        yield _remote(folder, facts) if facts else folder


def _remote(folder: Folder, facts: dict[str, Facts]) -> Folder:
    listed = Folder(folder.below)
    for found in folder:
        there = facts.get(found.name)
        if there is not None and not there.is_local:
            found = Found(found.name, *there.stamp, there.problem)  # noqa: PLW2901
        listed.append(found)
    return listed


def _subtitles(folder: Folder) -> _Subtitles | None:
    """The subtitle files of a folder that has some."""
    flags = list(map(is_subtitle, folder.names))
    files = {found.base: found for found in folder.only(flags, lambda one: is_subtitle(one.base))}
    if not files:
        return None
    listing = Listing(files)
    for name in folder.bases() if listing.is_in_doubt else ():
        listing.note_owner(name)
    return _Subtitles(listing, files)


def _add(files: VideoFiles, videos: Folder, beside: _Subtitles | None) -> None:
    """Adds the videos of a folder, beside which these subtitle files lie."""
    first = len(files)
    files.ids += [videos.below + name for name in videos.names]
    files.sizes += videos.sizes
    files.mtimes_ns += videos.mtimes_ns
    if videos.closed:
        files.closed.update(videos.below + name for name in videos.names if name in videos.closed)
    for found in videos.others:
        files.append(found)
    files.sidecar_sizes += [0] * (len(files) - first)
    files.sidecar_mtimes += [0] * (len(files) - first)
    if beside:
        for place, name in beside.listing.subtitled(videos.bases()):
            _add_subtitles(files, first + place, name, beside)


def _add_subtitles(files: VideoFiles, place: int, name: str, beside: _Subtitles) -> None:
    named = beside.listing.beside(name)
    found = {subtitles: beside.files[subtitles] for subtitles, told in named if told}
    used = tuple(subtitles for subtitles, file in found.items() if file.size >= 0)
    if used:
        files.subtitles[files.ids[place]] = used
        stamps = [(tail_of(name, subtitles), found[subtitles][1:3]) for subtitles in used]
        files.sidecar_sizes[place], files.sidecar_mtimes[place] = joined_stamp(stamps)
    elif len(found) < len(named) or any(file.kind for file in found.values()):
        files.sidecar_sizes[place] = -1  # as `stamps.sidecar_stamp` says of subtitles that cannot be read
    if not all(found[subtitles].is_open for subtitles in used):
        files.closed.add(files.ids[place])


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
