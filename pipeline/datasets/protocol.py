"""How a known dataset is used: its annotations are found, counted, split and fused, as its YAML says."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pipeline.datasets.annotations import Annotation, Caption, DatasetConfig, read_annotations
from pipeline.datasets.availability import how_to_get, reader
from pipeline.datasets.readers import released
from pipeline.datasets.sources import AnnotationFiles, SplitCounts
from pipeline.errors import AnnotationError

Said = dict[str, Annotation]


def annotations_of(name: str, settings: DatasetConfig) -> tuple[Said, list[str]]:
    """Video name -> split and captions as they are used, and what is not as it is known to be.

    AnnotationError when a known dataset is not there, or differs and may not.
    """
    if settings.annotations is None:
        return as_used(read_annotations(settings), settings), []
    said = read_known(settings, settings.annotations)
    if said is None:
        raise AnnotationError(how_to_get(name, settings))
    warnings = check_counts(said, settings, f"{name}, {settings.annotations.folder}")
    return as_used(said, settings), warnings


def read_known(settings: DatasetConfig, files: AnnotationFiles) -> Said | None:
    """Video name -> split and captions of a known dataset, or None when nothing of it is there.

    The owners' files come before those of an imported archive. AnnotationError for files that are not as known.
    """
    said: Said | None = reader(files.format).read(Path(files.folder), files.variant)
    if said is None and settings.released and released.is_there(settings.released.folder(files)):
        said = released.read(settings.released.folder(files), settings.released)
    return said


def miscounts(said: Mapping[str, Annotation], counts: Mapping[str, SplitCounts]) -> list[str]:
    """What is not as it is known to be, in words: `test: 2989 videos, known are 2990`."""
    problems = []
    for split, known in counts.items():
        here = [one for one in said.values() if one.split == split]
        found = {"videos": len(here), "captions": sum(len(one.captions) for one in here)}
        for what, numbers in (("videos", known.videos), ("captions", known.captions)):
            if numbers and found[what] not in numbers:
                problems.append(f"{split}: {found[what]} {what}, known are {' or '.join(map(str, numbers))}")
    return problems


def as_used(said: Said, settings: DatasetConfig) -> Said:
    """The annotations with a validation split, and with paragraphs in place of captions, where the YAML says so."""
    share = settings.validation_from_train
    used = {name: _to_validation(name, one, share) for name, one in said.items()} if share else said
    return {name: fused(one) for name, one in used.items()} if settings.fuse_captions else used


def fused(said: Annotation) -> Annotation:
    """All captions as one paragraph."""
    return Annotation(said.split, (paragraph(said.captions),) if said.captions else ())


def paragraph(captions: tuple[Caption, ...] | list[Caption]) -> Caption:
    """The captions one after another."""
    return Caption(" ".join(caption.text for caption in captions))


def _to_validation(name: str, said: Annotation, share: float) -> Annotation:
    """By the name alone, so that no other video changes its split when some are added."""
    drawn = int.from_bytes(hashlib.sha256(f"validation {name}".encode()).digest()[:8], "big") / 2**64
    return Annotation("val", said.captions) if said.split == "train" and drawn < share else said


def check_counts(said: Said, settings: DatasetConfig, where: str) -> list[str]:
    """What differs from the known counts, as warnings; AnnotationError unless partial datasets are allowed."""
    problems = miscounts(said, settings.counts)
    if problems and not settings.allow_partial:
        raise AnnotationError(
            f"{where}: {'; '.join(problems)}; get the files again, or go on with --allow-partial: results then "
            "compare with nobody's"
        )
    return [f"not the known {problem}" for problem in problems]
