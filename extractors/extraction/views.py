"""Decodes a piece of a file, and prepares the items of each expert; runs in the decode workers.

A file is decoded in pieces of SEGMENT_S, so that memory does not grow with its length, and each once for the video and
all clips that lie in it. Items start on a grid that is fixed for the whole video or clip, and belong to the piece in
which they start: they depend neither on the borders of the pieces nor on other experts or clips of the pass.
"""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from extractors import registry
from extractors.base import (
    AudioNeed,
    Extractor,
    FrameNeed,
    JointNeed,
    NameNeed,
    Need,
    SpreadNeed,
    SubtitleNeed,
    WordView,
)
from extractors.extraction.audio_view import audio_view
from extractors.extraction.decoded import Decoded, guarded
from extractors.extraction.frame_views import FramesWanted, frame_views
from extractors.extraction.joint_view import Span, joint_view
from extractors.extraction.segments import Piece, Prepared, Segment
from extractors.extraction.subtitle_words import words_between
from pipeline.errors import ExtractionError, in_one_line
from pipeline.media.container import is_of_machine
from pipeline.media.video import VideoInfo, probe
from pipeline.remote_files.files import faults_raised


def prepare_segment(segment: Segment) -> dict[str, Prepared]:
    """Expert -> its items in the segment; DecodeError if the file cannot be read at all."""
    return prepare_piece(Piece((segment,)))[0]


def prepare_piece(piece: Piece) -> list[dict[str, Prepared]]:
    """For each segment what `prepare_segment` returns; the file is read once for all of them."""
    path = piece.segments[0].path
    experts = [{expert.name: registry.rebuild(expert) for expert in segment.experts} for segment in piece.segments]
    with faults_raised(path):
        needs = [{extractor.need for extractor in named.values()} for named in experts]
        decoded = decode_piece(piece, _cached_probe(path), needs)
    prepared = []
    for named in experts:
        views = decoded.pop(0)  # let go of it as soon as its items are there
        prepared.append({name: _prepare(extractor, views[extractor.need]) for name, extractor in named.items()})
    return prepared


@functools.lru_cache(maxsize=2)
def _cached_probe(path: Path) -> VideoInfo:
    """As `probe`; the segments of a video follow one another, so that its packets are read once for all of them."""
    return probe(path, reads_on=True)


def _prepare(extractor: Extractor, decoded: Decoded) -> Prepared:
    if decoded.view is None:
        return Prepared.nothing(decoded.note, decoded.failed)
    expected = len(decoded.view.times_s)
    try:
        items = extractor.prepare(decoded.view)
        if len(items) != expected:
            raise ExtractionError(f"{type(extractor).__module__}: prepare() gave {len(items)} items for {expected}")
    except Exception as error:  # a video on which an expert fails costs that row only, and the row says why
        if is_of_machine(error):
            raise
        return Prepared.nothing(in_one_line(error), failed=True)
    return Prepared(items, decoded.view.times_s, decoded.note)


def decode_views(segment: Segment, info: VideoInfo, needs: set[Need]) -> dict[Need, Decoded]:
    """Need -> its view of the segment; see `decode_piece`."""
    return decode_piece(Piece((segment,)), info, [needs])[0]


def decode_piece(piece: Piece, info: VideoInfo, needs: Sequence[set[Need]]) -> list[dict[Need, Decoded]]:
    """For each segment need -> its view; the frames for all are decoded together. `info` is of the whole file.

    A fault in the frames, the sound or the words costs the needs that it meets, and is their note.
    """
    wanted = [
        FramesWanted(place, segment, need, info.cut(*segment.clip_s) if segment.clip_s else info)
        for place, (segment, some) in enumerate(zip(piece.segments, needs, strict=True))
        for need in sorted({one for need in some for one in _frames_of(need)}, key=repr)
    ]
    try:
        views = frame_views(wanted, info)
    except Exception as error:  # of which need the fault is, shows each on its own: what it gets depends on no other
        if is_of_machine(error):
            raise
        views = [guarded(functools.partial(_frames_alone, one, info)) for one in wanted]
    decoded: list[dict[Need, Decoded]] = [{} for _ in piece.segments]
    for one, view in zip(wanted, views, strict=True):
        decoded[one.place][one.need] = view
    for segment, some, found in zip(piece.segments, needs, decoded, strict=True):
        _hear_and_read(segment, info, some, found)
    return decoded


def _hear_and_read(segment: Segment, info: VideoInfo, needs: set[Need], found: dict[Need, Decoded]) -> None:
    """Adds the views for needs of more than frames to those of frames."""
    hear, read = (functools.partial(look, segment, info) for look in (_audio_view, _word_view))
    for need in needs:
        if isinstance(need, AudioNeed):
            found[need] = guarded(functools.partial(hear, need, segment.span_s))
        elif isinstance(need, SubtitleNeed):
            found[need] = guarded(functools.partial(read, need, segment.span_s))
        elif isinstance(need, NameNeed):
            found[need] = Decoded(_name_view(segment, info))
        elif isinstance(need, JointNeed):
            found[need] = guarded(functools.partial(joint_view, need, found[need.frames], hear, read))


def _frames_of(need: Need) -> tuple[FrameNeed | SpreadNeed, ...]:
    """The frames that a need asks for, if it does."""
    need = need.frames if isinstance(need, JointNeed) else need
    return (need,) if isinstance(need, FrameNeed | SpreadNeed) else ()


def _frames_alone(one: FramesWanted, info: VideoInfo) -> Decoded:
    return frame_views([one], info)[0]


def _audio_view(segment: Segment, info: VideoInfo, need: AudioNeed, span_s: Span) -> Decoded:
    if not info.has_audio:
        return Decoded(None, "no audio stream")
    view, note = audio_view(segment.path, need, span_s, info.seekable, segment.clip_s)
    return Decoded(view, note)


def _word_view(segment: Segment, info: VideoInfo, need: SubtitleNeed, span_s: Span) -> Decoded:
    begin_s, end_s = segment.clip_s or (0.0, info.duration_s)
    start_s, stop_s = (segment.offset_s + time_s for time_s in span_s)
    start_s, stop_s = max(start_s, begin_s), min(stop_s, end_s)
    view, note = words_between(segment.path, need.language, start_s, stop_s, end_s, segment.offset_s)
    return Decoded(view, note)


def _name_view(segment: Segment, info: VideoInfo) -> WordView:
    """The one item of a NameNeed, in the segment in which the video or clip begins."""
    begin_s, end_s = segment.clip_s or (0.0, info.duration_s)
    shown = int(segment.span_s[0] <= 0 < segment.span_s[1])
    word = f"{begin_s!r} {segment.path.as_posix()}"
    return WordView(np.array([word], np.str_)[:shown], np.array([[0.0, end_s - begin_s]], np.float64)[:shown])
