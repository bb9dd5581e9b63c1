"""Cuts the files of a pass into pieces, each of which is decoded once for the video and the clips that lie in it."""

import itertools
import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from extractors.extraction import segments
from extractors.extraction.segments import Piece, Segment, num_segments
from extractors.extraction.work import Todo
from pipeline.datasets.manifest import Video

MOST_S = 24 * segments.SEGMENT_S
"""Seconds of clips in one job; where more overlap, the piece is decoded another time, so that memory is bounded."""


@dataclass(frozen=True)
class Share:
    """A segment of one video or clip in a piece of its file."""

    todo: Todo
    piece: int

    @property
    def index(self) -> int:
        """Of the segment in the video or clip."""
        return self.piece - first_piece(self.todo[1])

    @property
    def num_segments(self) -> int:
        """Of the video or clip."""
        return last_piece(self.todo[1]) - first_piece(self.todo[1]) + 1

    @property
    def video_s(self) -> float:
        """Length of the segment."""
        video = self.todo[1]
        begin_s, end_s = video.start_s, video.start_s + video.duration_s
        length_s = segments.SEGMENT_S
        return max(0.0, min((self.piece + 1) * length_s, end_s) - max(self.piece * length_s, begin_s))

    @property
    def segment(self) -> Segment:
        """As the decode workers get it."""
        path, video, experts = self.todo
        in_order = not video.seekable and last_piece(video) > 0
        ids = tuple(expert.id for expert in experts)
        return Segment(path, video.content, self.piece, ids, in_order, clip_s=video.span_s)


def grouped(todo: Iterable[Todo]) -> Iterator[list[Todo]]:
    """The videos and clips that follow one another and are of one file, together."""
    for _, group in itertools.groupby(todo, key=lambda item: item[0]):
        yield list(group)


def pieces_of(group: Sequence[Todo]) -> Iterator[list[Share]]:
    """What is decoded together of one file, piece by piece; pieces that nothing lies in are left out."""
    waiting = deque(sorted(group, key=lambda item: first_piece(item[1])))
    here: list[Todo] = []
    piece = 0
    while waiting or here:
        piece = piece if here else first_piece(waiting[0][1])
        while waiting and first_piece(waiting[0][1]) == piece:
            here.append(waiting.popleft())
        yield from _bounded([Share(item, piece) for item in here])
        here = [item for item in here if last_piece(item[1]) > piece]
        piece += 1


def piece_of(shares: Sequence[Share]) -> Piece:
    """The job of the decode workers."""
    return Piece(tuple(share.segment for share in shares))


def first_piece(video: Video) -> int:
    """The piece of the file in which a video or clip begins."""
    return math.floor(video.start_s / segments.SEGMENT_S)


def last_piece(video: Video) -> int:
    """The piece of the file in which it ends."""
    return max(first_piece(video), num_segments(video.start_s + video.duration_s) - 1)


def _bounded(shares: list[Share]) -> Iterator[list[Share]]:
    block: list[Share] = []
    length_s = 0.0
    for share in shares:
        if block and length_s + share.video_s > MOST_S:
            yield block
            block, length_s = [], 0.0
        block.append(share)
        length_s += share.video_s
    yield block
