"""Which file each name in the captions means, and what is wrong with captions and files taken together."""

from pathlib import PurePosixPath

from pipeline.datasets.annotations import Annotation, DatasetConfig
from pipeline.datasets.files import Found, plain_name
from pipeline.datasets.manifest import UNLABELLED, Video
from pipeline.datasets.protocol import Said
from pipeline.errors import AnnotationError


def by_file(annotations: Said, found: list[Found], warnings: list[str]) -> Said:
    """The annotations by video id; AnnotationError when two names of one file put it in two splits.

    A name without its suffix, or without suffix and folders, stands for the one file that it fits; one that fits
    several is left as it is, with a warning.
    """
    fitting = names_of(found)
    resolved: Said = {}
    for name, said in annotations.items():
        fits = fitting.get(name, {name})
        if len(fits) > 1:
            warnings.append(f"{name!r} may be any of {', '.join(sorted(fits)[:3])}: say which, with folder and suffix")
        video_id = name if len(fits) > 1 else min(fits)
        before = resolved.get(video_id, Annotation(said.split, ()))
        if before.split != said.split:
            raise AnnotationError(f"{video_id}: under one name in split {before.split!r}, as {name} in {said.split!r}")
        resolved[video_id] = Annotation(before.split, before.captions + said.captions)
    return resolved


def names_of(found: list[Found]) -> dict[str, set[str]]:
    """What a video may be called -> the ids of those that may be meant; its own id means it alone."""
    names: dict[str, set[str]] = {}
    for item in found:
        path = PurePosixPath(item.video_id)
        for name in {str(path.with_suffix("")), plain_name(item.video_id), path.name}:
            names.setdefault(name, set()).add(item.video_id)
    return names | {item.video_id: {item.video_id} for item in found}


def refuse_strangers(annotations: Said, missing: set[str], settings: DatasetConfig) -> None:
    """AnnotationError when captions and videos have nothing to do with each other."""
    if not annotations.keys() - missing:
        where = settings.captions or (settings.annotations.folder if settings.annotations else "")
        raise AnnotationError(f"{where}: names {min(missing)!r} and others, none of which is in {settings.videos}")


def refuse_missing(name: str, settings: DatasetConfig, missing: set[str], annotations: Said) -> list[str]:
    """A warning about missing files; AnnotationError for a known dataset, unless partial ones are allowed."""
    told = f"{len(missing)} of {len(annotations)} captioned videos are not in {settings.videos}, e.g. {min(missing)}"
    if settings.annotations and not settings.allow_partial:
        raise AnnotationError(
            f"{name}: {told}; put them there, or go on without them with --allow-partial: results then compare with "
            "nobody's"
        )
    return [f"{told}; they are left out"] if settings.allow_partial else []


def shared_between_splits(videos: list[Video]) -> list[str]:
    """What is trained on and tested on under two names, as a warning: scores on it say nothing."""
    splits: dict[str, set[str]] = {}
    for video in videos:
        if video.split != UNLABELLED and not video.problem:
            splits.setdefault(video.content, set()).add(video.split)
    shared = {content for content, found in splits.items() if len(found) > 1}
    names = [video.video_id for video in videos if video.content in shared]
    if not names:
        return []
    return [f"{len(shared)} videos are in more than one split under different names, e.g. {' and '.join(names[:2])}"]
