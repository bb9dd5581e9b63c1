"""Makes the videos of a manifest of the files, what was seen in them, and what captions say of them and their clips."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from pipeline.datasets.annotations import Annotation
from pipeline.datasets.clips import DIGITS, Clip, clip_content
from pipeline.datasets.file_cache import FileInfo
from pipeline.datasets.video import UNLABELLED, Video, missing_content
from pipeline.datasets.video_files import VideoFile

CUT_S = 0.1
"""A clip that loses more at the end of its file has a note that says so."""

Named = Sequence[tuple[str, Annotation]]
"""Names and annotations of clips."""


def rows_of(file: VideoFile, info: FileInfo, whole: Annotation | None, clips: Named = ()) -> Iterator[Video]:
    """The videos that a file is: itself where captions name all of it or nothing of it, and its clips, sorted."""
    video = _video(file, info, whole)
    if whole is not None or not clips:
        yield video
    found = [_clip(video, name, one, one.clip) for name, one in clips if one.clip]
    yield from sorted(found, key=order)


def order(video: Video) -> tuple[str, tuple[float, ...], str]:
    """By what videos are sorted in a manifest: files, so that the clips of one stand together, and spans."""
    return video.file or video.video_id, video.span_s, video.video_id


def missing_row(name: str, annotation: Annotation, why: str) -> Video:
    """A video or clip whose file is not there, for the reason `why`."""
    clip, content = annotation.clip, missing_content(name, why)
    file, span_s = (clip.video, clip.span_s) if clip else ("", ())
    row = Video(name, content, annotation.split, annotation.captions, 0.0, False, False, False, problem=why)
    return replace(row, file=file, span_s=span_s)


def clips_by_file(annotations: Mapping[str, Annotation]) -> dict[str, list[tuple[str, Annotation]]]:
    """Id of a file -> the names and annotations of its clips."""
    found: dict[str, list[tuple[str, Annotation]]] = {}
    for name, one in annotations.items():
        if one.clip:
            found.setdefault(one.clip.video, []).append((name, one))
    return found


def _clip(video: Video, name: str, annotation: Annotation, clip: Clip) -> Video:
    """The row of a clip of `video`, cut off at its end; one with a problem where the clip lies behind it."""
    row = replace(video, video_id=name, split=annotation.split, captions=annotation.captions, file=video.video_id)
    span_s, length_s = clip.span_s, video.duration_s
    if video.problem or clip.start_s >= length_s:
        problem = video.problem or f"the clip begins at {clip.start_s:g} s, and the video ends at {length_s:g} s"
        content = clip_content(video.content, span_s)
        return replace(row, content=content, problem=problem, note="", duration_s=0.0, span_s=span_s)
    if clip.end_s > length_s:
        span_s = clip.start_s, max(clip.start_s, round(length_s, DIGITS))
        cut = f"the clip ends with the video at {length_s:g} s, and not at {clip.end_s:g} s"
        row = replace(row, note="; ".join(filter(None, [row.note, cut if clip.end_s > length_s + CUT_S else ""])))
    duration_s = round(span_s[1] - span_s[0], DIGITS)
    return replace(row, content=clip_content(video.content, span_s), span_s=span_s, duration_s=duration_s)


def _video(file: VideoFile, info: FileInfo, annotation: Annotation | None) -> Video:
    return Video(
        file.video_id,
        info.content,
        annotation.split if annotation else UNLABELLED,
        annotation.captions if annotation else (),
        info.duration_s,
        info.has_video,
        info.has_audio,
        info.has_subtitles,
        info.note,
        info.problem,
        info.seekable,
        file.stamps,
    )
