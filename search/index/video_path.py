"""Where the file of an entry lies: below the folder of the videos, whatever the index says."""

from pathlib import Path, PurePosixPath, PureWindowsPath

NOWHERE = ".no-such-video"
"""Name in the folder of the videos for an id that leads out of it. A walk never lists it, so it is no video's."""


def path_of(root: Path, video_id: str) -> Path:
    """The path of the video file; that of NOWHERE for an id that is absolute, holds `..`, or is no name of a file.

    An index may come from elsewhere. Links are followed, also out of the folder, as the walk of a dataset does: whoever
    made the folder put them there, and what lies behind them was listed and extracted like the rest.
    """
    is_inside = "\0" not in video_id and all(_is_below(kind(video_id)) for kind in (PurePosixPath, PureWindowsPath))
    return root / (video_id if is_inside else NOWHERE)


def _is_below(path: PurePosixPath | PureWindowsPath) -> bool:
    return bool(path.parts) and not path.anchor and ".." not in path.parts
