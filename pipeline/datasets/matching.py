"""Matches the video names in captions with video files, and checks both for contradictions."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from pipeline.datasets.annotations import DatasetConfig
from pipeline.datasets.names import Names, normal_form
from pipeline.datasets.protocol import Annotations
from pipeline.datasets.video import MISSING, UNLABELLED
from pipeline.datasets.video_files import VideoFiles
from pipeline.datasets.videos import Videos
from pipeline.errors import AnnotationError
from pipeline.remote_files.look import name_of_source


def match_files(annotations: Annotations, files: VideoFiles, warnings: list[str]) -> Annotations:
    """The annotations by id; AnnotationError when two names of one file, or of one clip of it, put it in two splits.

    Which files a name may mean is told by `names.Names`. A name that matches several files is not resolved, and adds to
    `warnings`; of several links to one file, the first is taken. AnnotationError, too, where these files' names have
    the same normal form, so that no name but their own could tell them apart, and where a clip is called like a video.
    """
    finder, ids = names_of(files), set(files.ids) if any(one.clip for one in annotations.values()) else set()
    matched: Annotations = {}
    twins: set[str] = set()
    found = lru_cache(maxsize=4096)(lambda name: _found(name, finder, files, warnings))
    for name, annotation in annotations.items():
        video_id = found(annotation.video(name))
        alike = finder.twins(video_id)
        twins |= alike if len(alike) > 1 else set()
        clip = replace(annotation.clip, video=video_id) if annotation.clip else None
        key = clip.name if clip else video_id
        first = matched.get(key, replace(annotation, captions=(), clip=clip))
        if first.clip != clip or (clip and key in ids):
            raise AnnotationError(
                f"{key}: the name of a clip, and of another one or of a file; give the clip another 'id'"
            )
        if first.split != annotation.split:
            raise AnnotationError(f"{key}: under one name in split {first.split!r}, as {name} in {annotation.split!r}")
        matched[key] = replace(first, captions=first.captions + annotation.captions)
    warnings += _told_apart(twins, finder)
    return matched


def _found(name: str, finder: Names, files: VideoFiles, warnings: list[str]) -> str:
    """The id of the file that a name means; the name itself where it means none, or one of several."""
    ids = finder.find(name) or {name}
    if len(ids) > 1 and len({(files.root / video_id).resolve() for video_id in ids}) == 1:
        ids = {min(ids)}  # one file by several links
    if len(ids) > 1:
        _refuse_twins(name, ids)
        warnings.append(f"{name!r} {may_be_any_of(ids)}")
    return name if len(ids) > 1 else min(ids)


def names_of(files: VideoFiles) -> Names:
    """What finds the files that a name may mean."""
    return Names(files.ids, files.root if files else None)


def may_be_any_of(ids: set[str]) -> str:
    """That a name fits several videos, and what to do, in words."""
    return f"may be any of {', '.join(sorted(ids)[:3])}: say which, with folder and suffix"


def _refuse_twins(name: str, ids: set[str]) -> None:
    """AnnotationError where the ids differ in nothing but what a normal form leaves out."""
    if len({normal_form(video_id) for video_id in ids}) == 1:
        first, second, *_ = sorted(ids)
        raise AnnotationError(
            f"{name!r} may be {first!a} or {second!a}, whose names differ only in how they are written (capitals of "
            "the suffix, composed letters, blanks): rename one, or write in the captions what the file is called"
        )


def _told_apart(twins: set[str], finder: Names) -> list[str]:
    """A warning about captioned videos whose names differ only in how they are written: a slip finds another."""
    groups = {tuple(sorted(finder.twins(video_id))) for video_id in twins}
    pairs = sorted(group for group in groups if len(group) > 1)
    if not pairs:
        return []
    example = " and ".join(f"{video_id!a}" for video_id in pairs[0][:2])
    return [f"names of files differ only in how they are written, e.g. {example}; captions mean the one written so"]


def refuse_unrelated(annotations: Annotations, missing: dict[str, str], settings: DatasetConfig) -> None:
    """AnnotationError when no captioned video has a file, i.e. captions and videos are of different datasets.

    `missing`: the name of each video without a file, and why it has none.
    """
    if not annotations.keys() - missing.keys():
        where = settings.captions or (settings.annotations.folder if settings.annotations else "")
        name = min(missing)
        raise AnnotationError(
            f"{where}: names {name!r} and others, none of which is in {name_of_source(Path(settings.videos))} "
            f"({missing[name]})"
        )


def refuse_missing(name: str, settings: DatasetConfig, missing: dict[str, str], annotations: Annotations) -> list[str]:
    """Warnings about missing files; AnnotationError for a known dataset, unless `allow_partial` is set."""
    where = name_of_source(Path(settings.videos))
    problem = f"{len(missing)} of {len(annotations)} captioned videos are not in {where}, e.g. {min(missing)}"
    problem += "" if missing[min(missing)] == MISSING else f" ({missing[min(missing)]})"
    if settings.annotations and not settings.allow_partial:
        raise AnnotationError(
            f"{name}: {problem}; put them there, or go on without them with --allow-partial: results then compare with "
            "nobody's"
        )
    return [f"{problem}; they are left out"] if settings.allow_partial else []


def shared_between_splits(videos: Videos) -> list[str]:
    """Warnings about equal videos in two splits, i.e. test data that is also trained on; empty when there are none.

    Equal are copies of a file, and pieces of one file that overlap.
    """
    splits: dict[str, str] = {}
    shared: set[str] = set()
    columns = videos.contents, videos.splits, videos.column("problem")
    for content, split, problem in zip(*columns, strict=True):
        if split != UNLABELLED and not problem and splits.setdefault(content, split) != split:
            shared.add(content)
    told = _overlapping(videos) if any(videos.column("span_s")) else []
    if not shared:
        return told
    names = (one for one, content in zip(videos.ids, videos.contents, strict=True) if content in shared)
    first, second, *_ = names
    return [f"{len(shared)} videos are in more than one split under different names, e.g. {first} and {second}", *told]


def _overlapping(videos: Videos) -> list[str]:
    """A warning about pieces of one file that overlap and are in two splits."""
    pieces: list[tuple[str, float, float, str, str]] = []
    files, spans, durations_s = videos.column("file"), videos.column("span_s"), videos.durations_s
    columns = videos.ids, files, spans, durations_s, videos.splits, videos.column("problem")
    for name, file, span_s, duration_s, split, problem in zip(*columns, strict=True):
        if split != UNLABELLED and not problem:
            pieces.append((file or name, *(span_s or (0.0, duration_s)), split, name))
    pairs: list[tuple[str, str]] = []
    ends: dict[str, tuple[float, str]] = {}
    file = ""
    for video, start_s, end_s, split, name in sorted(pieces):
        ends = ends if video == file else {}
        file = video
        pairs += [(other, name) for of, (until_s, other) in ends.items() if of != split and until_s > start_s][:1]
        ends[split] = max(ends.get(split, (0.0, name)), (end_s, name))
    if not pairs:
        return []
    return [
        f"clips that overlap with one of the same file in another split: {len(pairs)}, e.g. {' and '.join(pairs[0])}"
    ]
