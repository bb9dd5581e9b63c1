"""One video of a dataset, as a manifest has it."""

from dataclasses import dataclass

from pipeline.datasets.annotations import Caption
from pipeline.stores import fingerprint

MISSING = "no such file"
"""Problem of a captioned video whose file is missing."""

UNLABELLED = ""
"""Split of a video without captions: it is extracted and can be searched, but not used in training or evaluation."""


@dataclass(frozen=True, slots=True)
class Video:
    """One video of a dataset."""

    video_id: str
    """Path below the dataset's folder, which tells equal file names in two folders apart; of a clip see `Clip.name`."""
    content: str
    """32 hex digits of a hash of its bytes and those of its subtitle file, whatever it is called; of a clip also of its
    span."""
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
    file: str = ""
    """Of a clip the path of its file below the dataset's folder; empty for a whole video, whose path is its id."""
    span_s: tuple[float, ...] = ()
    """Of a clip its start and end in its file; empty for a whole video. Its own times, as of its features, begin at its
    start, and `duration_s` is its own."""

    @property
    def start_s(self) -> float:
        """Where it begins in its file."""
        return self.span_s[0] if self.span_s else 0.0

    @property
    def is_missing(self) -> bool:
        """Whether there is no file that could be read: none, or something else in its place."""
        return is_missing(self.video_id, self.content, self.problem)

    @property
    def is_usable(self) -> bool:
        """Whether nothing is wrong with its file, or there is none: imported features need no file."""
        return not self.problem or self.is_missing


def is_missing(video_id: str, content: str, problem: str) -> bool:
    """Whether a video has no file that could be read."""
    return bool(problem) and (problem == MISSING or content == missing_content(video_id, problem))


def missing_content(video_id: str, problem: str) -> str:
    """In place of a content hash, for a captioned video without a file."""
    told = {} if problem == MISSING else {"problem": problem}  # so that a row with another reason is another row
    return fingerprint.fingerprint({"missing": video_id} | told)
