"""The manifest of a dataset that is cut into clips, made of the manifest of its uncut videos."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from pipeline.datasets import manifest
from pipeline.datasets.clips import Clip, clip_content
from pipeline.datasets.cutting import Cutting
from pipeline.datasets.manifest import Manifest, Video
from pipeline.datasets.video_columns import gather

RowTimes = Callable[[Video], Sequence[Sequence[float]]]
"""Start and end of each row that an expert has of a video, by rising starts; empty where it has none."""


def cut(dataset: str, whole: Manifest, cutting: Cutting, rows_s: RowTimes) -> Manifest:
    """The manifest of the clips of all videos of `whole`, in its order, those of one video by their starts.

    It depends on nothing but the clips: settings that give the same ones give the same manifest.
    """
    clips = (clip for video in whole.videos for clip in clips_of(video, cutting, rows_s))
    return manifest.of(dataset, whole.root, gather(clips, has_clips=True), whole.warnings)


def clips_of(video: Video, cutting: Cutting, rows_s: RowTimes) -> Iterator[Video]:
    """The clips of a video; itself where it cannot be read, or stays in one piece."""
    spans = [] if video.problem else cutting.spans(video.duration_s, rows_s(video))
    if len(spans) < 2:
        yield video
        return
    for span in spans:
        yield dataclasses.replace(
            video,
            video_id=Clip(video.video_id, *span).name,
            content=clip_content(video.content, span),
            duration_s=span.length_s,
            file=video.video_id,
            span_s=tuple(span),
        )
