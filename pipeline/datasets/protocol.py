"""Applies the evaluation protocol of a dataset's YAML to its annotations: counts, validation split, fused captions."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pipeline.datasets.annotations import Annotation, Caption, DatasetConfig, read_annotations
from pipeline.datasets.availability import clip_reader, how_to_get, reader
from pipeline.datasets.readers import released
from pipeline.datasets.sources import AnnotationFiles, SplitCounts
from pipeline.errors import AnnotationError

Annotations = dict[str, Annotation]
"""Name of a video or clip -> its split and captions."""


def annotations_of(name: str, settings: DatasetConfig) -> tuple[Annotations, list[str]]:
    """Split and captions of each video as the protocol uses them, and warnings: guesses, differences from known counts.

    AnnotationError when the annotation files are missing, or the counts differ and `allow_partial` is not set.
    """
    if settings.annotations is None:
        guesses: list[str] = []
        return apply_protocol(read_annotations(settings, guesses), settings), guesses
    annotations = read_known(settings, settings.annotations)
    if annotations is None:
        raise AnnotationError(how_to_get(name, settings))
    warnings = check_counts(annotations, settings, f"{name}, {settings.annotations.folder}")
    return apply_protocol(annotations, settings), warnings


def read_known(settings: DatasetConfig, files: AnnotationFiles) -> Annotations | None:
    """The annotations of a known dataset: the owners' files, or else those of an imported archive, or else None.

    With `clips` these are of pieces of the videos. AnnotationError for files that are damaged or of another format,
    ConfigError for a format without seconds.
    """
    read = clip_reader(files.format) if files.clips else reader(files.format).read
    annotations: Annotations | None = read(Path(files.folder), files.variant)
    if annotations is None and settings.released and released.has_captions(settings.released.folder(files)):
        annotations = released.read(settings.released.folder(files), settings.released)
    return annotations


def wrong_counts(annotations: Mapping[str, Annotation], counts: Mapping[str, SplitCounts]) -> list[str]:
    """The differences from the known counts, in words: `test: 2989 videos, known are 2990`."""
    problems = []
    for split, known in counts.items():
        in_split = [annotation for annotation in annotations.values() if annotation.split == split]
        found = {"videos": len(in_split), "captions": sum(len(annotation.captions) for annotation in in_split)}
        for what, numbers in (("videos", known.videos), ("captions", known.captions)):
            if numbers and found[what] not in numbers:
                problems.append(f"{split}: {found[what]} {what}, known are {' or '.join(map(str, numbers))}")
    return problems


def apply_protocol(annotations: Annotations, settings: DatasetConfig) -> Annotations:
    """The annotations with `validation_from_train` and `fuse_captions` of the YAML applied."""
    fraction = settings.validation_from_train
    if fraction:
        drawn = _validation_names(annotations, fraction)
        annotations = {name: replace(one, split="val") if name in drawn else one for name, one in annotations.items()}
    if not settings.fuse_captions:
        return annotations
    if any(caption.judged for one in annotations.values() for caption in one.captions):
        raise AnnotationError(
            "fuse_captions makes one paragraph of a video's captions, which has no grade, id or window of theirs; take "
            "it out of the dataset's YAML, or the grades out of the captions"
        )
    return {name: _fused(one) for name, one in annotations.items()}


def _fused(annotation: Annotation) -> Annotation:
    """The annotation with all its captions as one paragraph."""
    return replace(annotation, captions=(paragraph(annotation.captions),) if annotation.captions else ())


def paragraph(captions: tuple[Caption, ...] | list[Caption]) -> Caption:
    """The captions joined into one, with spaces between."""
    return Caption(" ".join(caption.text for caption in captions))


def _validation_names(annotations: Annotations, fraction: float) -> set[str]:
    """The training videos and clips that move to val, by a hash of the video's name; adding some moves no other.

    Where val would stay empty, those of one of two or more training videos, whose hash is lowest.
    """
    training = {name: one.video(name) for name, one in annotations.items() if one.split == "train"}
    draws = {
        video: int.from_bytes(hashlib.sha256(f"validation {video}".encode()).digest()[:8], "big") / 2**64
        for video in training.values()
    }
    drawn = {video for video, draw in draws.items() if draw < fraction}
    has_validation = any(one.split == "val" for one in annotations.values())
    if not drawn and not has_validation and len(draws) > 1:
        drawn = {min(draws, key=draws.__getitem__)}
    return {name for name, video in training.items() if video in drawn}


def check_counts(annotations: Annotations, settings: DatasetConfig, where: str) -> list[str]:
    """Warnings about differences from the known counts; AnnotationError unless `allow_partial` is set."""
    problems = wrong_counts(annotations, settings.counts)
    if problems and not settings.allow_partial:
        raise AnnotationError(
            f"{where}: {'; '.join(problems)}; get the files again, or go on with --allow-partial: results then "
            "compare with nobody's"
        )
    return [f"not the known {problem}" for problem in problems]
