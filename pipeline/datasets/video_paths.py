"""Which of the files below a folder are videos: by suffix, by first bytes, or because captions name them."""

from collections.abc import Callable, Collection
from pathlib import Path

from pipeline.datasets.names import Names, has_no_suffix, has_video_suffix
from pipeline.datasets.walk import note_dead_link, walk
from pipeline.errors import OutageError
from pipeline.file_kinds import irregular
from pipeline.media import signatures
from pipeline.remote_files.files import is_named


def video_paths(root: Path, left_out: list[str], named: Callable[[], Collection[str]]) -> list[Path]:
    """The paths of what has a video's suffix, of what has none and begins like a video, and of what captions name.

    `named` returns the names in captions, and is called only where there are other files than videos. What is not
    followed is appended to `left_out`, in words. AnnotationError for a folder that cannot be read.
    """
    videos: list[Path] = []
    others: list[Path] = []
    for path in walk(root, left_out):
        is_video = has_video_suffix(path.name) or (has_no_suffix(path.name) and _begins_like_a_video(path))
        (videos if is_video else others).append(path)
    chosen = _named(others, videos, root, named()) if others else set()
    for path in others:
        if path not in chosen:
            note_dead_link(path, left_out)
    return [*videos, *sorted(chosen)]


def _begins_like_a_video(path: Path) -> bool:
    if is_named(path):
        return True  # in a list: what is there in its place must be told
    try:
        return not irregular(path) and signatures.is_video(signatures.read_head(path))
    except OutageError:
        raise
    except OSError:
        return False


def _named(others: list[Path], videos: list[Path], root: Path, named: Collection[str]) -> set[Path]:
    """Those of the other files that captions name, suffix and all, by a name that means none of the videos."""
    found = Names([path.relative_to(root).as_posix() for path in videos], root)
    paths = {path.relative_to(root).as_posix(): path for path in others}
    rest = Names(paths, root)  # whose suffixes a name cannot lack: they are none of videos
    wanted = (name for name in named if not found.find(name))
    return {paths[other] for name in wanted for other in rest.find(name)}
