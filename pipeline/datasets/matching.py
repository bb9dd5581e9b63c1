"""Matches the video names in captions with video files, and checks both for contradictions."""

from pathlib import PurePosixPath

from pipeline.datasets.annotations import Annotation, DatasetConfig
from pipeline.datasets.files import VideoFile, plain_name
from pipeline.datasets.manifest import UNLABELLED, Video
from pipeline.datasets.protocol import Annotations
from pipeline.errors import AnnotationError


def match_files(annotations: Annotations, files: list[VideoFile], warnings: list[str]) -> Annotations:
    """The annotations by video id; AnnotationError when two names of one file put it in two splits.

    A name may lack the suffix, or suffix and folders, of the file. A name that matches several files is not resolved,
    and adds to `warnings`; of several links to one file, the first is taken.
    """
    candidates = names_of(files)
    paths = {file.video_id: file.path for file in files}
    matched: Annotations = {}
    for name, annotation in annotations.items():
        ids = candidates.get(name, {name})
        if len(ids) > 1 and len({paths[video_id].resolve() for video_id in ids}) == 1:
            ids = {min(ids)}  # one file by several links
        if len(ids) > 1:
            warnings.append(f"{name!r} may be any of {', '.join(sorted(ids)[:3])}: say which, with folder and suffix")
        video_id = name if len(ids) > 1 else min(ids)
        first = matched.get(video_id, Annotation(annotation.split, ()))
        if first.split != annotation.split:
            raise AnnotationError(
                f"{video_id}: under one name in split {first.split!r}, as {name} in {annotation.split!r}"
            )
        matched[video_id] = Annotation(first.split, first.captions + annotation.captions)
    return matched


def names_of(files: list[VideoFile]) -> dict[str, set[str]]:
    """Possible name of a video -> the ids of the videos it may refer to; a full id refers to its own video only."""
    names: dict[str, set[str]] = {}
    for file in files:
        path = PurePosixPath(file.video_id)
        for name in {str(path.with_suffix("")), plain_name(file.video_id), path.name}:
            names.setdefault(name, set()).add(file.video_id)
    return names | {file.video_id: {file.video_id} for file in files}


def refuse_unrelated(annotations: Annotations, missing: set[str], settings: DatasetConfig) -> None:
    """AnnotationError when no captioned video has a file, i.e. captions and videos are of different datasets."""
    if not annotations.keys() - missing:
        where = settings.captions or (settings.annotations.folder if settings.annotations else "")
        raise AnnotationError(f"{where}: names {min(missing)!r} and others, none of which is in {settings.videos}")


def refuse_missing(name: str, settings: DatasetConfig, missing: set[str], annotations: Annotations) -> list[str]:
    """Warnings about missing files; AnnotationError for a known dataset, unless `allow_partial` is set."""
    problem = f"{len(missing)} of {len(annotations)} captioned videos are not in {settings.videos}, e.g. {min(missing)}"
    if settings.annotations and not settings.allow_partial:
        raise AnnotationError(
            f"{name}: {problem}; put them there, or go on without them with --allow-partial: results then compare with "
            "nobody's"
        )
    return [f"{problem}; they are left out"] if settings.allow_partial else []


def shared_between_splits(videos: list[Video]) -> list[str]:
    """A warning about equal videos in two splits, i.e. test data that is also trained on; empty when there are none."""
    splits: dict[str, set[str]] = {}
    for video in videos:
        if video.split != UNLABELLED and not video.problem:
            splits.setdefault(video.content, set()).add(video.split)
    shared = {content for content, names in splits.items() if len(names) > 1}
    names = [video.video_id for video in videos if video.content in shared]
    if not names:
        return []
    return [f"{len(shared)} videos are in more than one split under different names, e.g. {' and '.join(names[:2])}"]
