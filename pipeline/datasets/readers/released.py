"""Reads captions and splits from a released archive: pickled word lists, and text files of video names."""

from pathlib import Path
from typing import Any

from pipeline.datasets.annotations import Annotation, Caption
from pipeline.datasets.names import plain_name
from pipeline.datasets.readers.parsing import annotation, read_lines, sentence
from pipeline.datasets.sources import Released
from pipeline.errors import AnnotationError
from pipeline.untrusted.unpickle import load_pickle

CAPTIONS = "raw-captions*.pkl"
MAPPING = "dict_youtube_mapping.pkl"


def has_captions(folder: Path) -> bool:
    """Whether the captions of an archive were imported into `folder`."""
    return any(folder.glob(CAPTIONS))


def read(folder: Path, released: Released) -> dict[str, Annotation]:
    """Video name -> split and captions; AnnotationError when the archive lacks a list."""
    texts = captions(folder)
    annotations: dict[str, Annotation] = {}
    for split, name in released.lists.items():
        if not (folder / name).exists():
            raise AnnotationError(f"{folder / name}: no such file; the archive that was imported does not hold it")
        for video in map(plain_name, read_lines(folder / name)):
            annotations[video] = Annotation(split, tuple(texts.get(video, ())))
    index = _caption_index(folder, released.test_captions)
    return {video: _choose(video, one, index) if one.split == "test" else one for video, one in annotations.items()}


def captions(folder: Path) -> dict[str, list[Caption]]:
    """Video name -> its captions, in the order of the archive's text features."""
    texts: dict[str, list[Caption]] = {}
    for path in sorted(folder.glob(CAPTIONS)):
        for video, entries in _by_name(load_pickle(path), path).items():
            texts[plain_name(video)] = [
                sentence(words if isinstance(words, str) else " ".join(words)) for words in entries
            ]
    return texts


def text_names(folder: Path) -> dict[str, str]:
    """Video name -> its name in the archive's text features, where the archive has a mapping."""
    path = folder / MAPPING
    mapping = _by_name(load_pickle(path), path) if path.exists() else {}
    return {plain_name(video): plain_name(str(text_name)) for video, text_name in mapping.items()}


def _caption_index(folder: Path, test_captions: str) -> dict[str, int] | int | None:
    """Index of the caption to use: one for each test video, one for all, or None to use every caption."""
    if test_captions in {"all", "first"}:
        return None if test_captions == "all" else 0
    path = folder / test_captions
    if not path.exists():
        raise AnnotationError(
            f"{path}: no such file; it says which caption of each test video counts, and is not in every release: "
            "take it from another archive, or use the owners' annotation files"
        )
    return {plain_name(video): int(index) for video, index in _by_name(load_pickle(path), path).items()}


def _choose(video: str, test: Annotation, indices: dict[str, int] | int | None) -> Annotation:
    """The annotation of a test video with only the chosen caption."""
    index = indices.get(video) if isinstance(indices, dict) else indices
    if index is None:
        return test
    if not 0 <= index < len(test.captions):
        raise AnnotationError(f"{video} has {len(test.captions)} captions, and its caption {index} is asked for")
    return annotation("test", [test.captions[index].text])


def _by_name(data: Any, path: Path) -> dict[str, Any]:
    if not isinstance(data, dict) or not all(isinstance(name, str) for name in data):
        raise AnnotationError(f"{path}: expected data by video name")
    return data
