"""Captions and splits as the released archives have them: pickled word lists and text files of names."""

from pathlib import Path
from typing import Any

from pipeline.datasets.annotations import Annotation, Caption
from pipeline.datasets.files import plain_name
from pipeline.datasets.readers.parsing import annotation, read_lines, sentence
from pipeline.datasets.sources import Released
from pipeline.errors import AnnotationError
from pipeline.untrusted.unpickle import load_pickle

CAPTIONS = "raw-captions*.pkl"
MAPPING = "dict_youtube_mapping.pkl"


def is_there(folder: Path) -> bool:
    """Whether an archive was imported into `folder`."""
    return any(folder.glob(CAPTIONS))


def read(folder: Path, released: Released) -> dict[str, Annotation]:
    """Video name -> split and captions."""
    texts = captions(folder)
    found: dict[str, Annotation] = {}
    for split, name in released.lists.items():
        if not (folder / name).exists():
            raise AnnotationError(f"{folder / name}: no such file; the archive that was imported does not hold it")
        for video in map(plain_name, read_lines(folder / name)):
            found[video] = Annotation(split, tuple(texts.get(video, ())))
    chosen = _chosen(folder, released.test_captions)
    return {video: _only(video, said, chosen) if said.split == "test" else said for video, said in found.items()}


def captions(folder: Path) -> dict[str, list[Caption]]:
    """Video name -> its captions, in the order in which the archive's text features have them."""
    texts: dict[str, list[Caption]] = {}
    for path in sorted(folder.glob(CAPTIONS)):
        for video, said in _named(load_pickle(path), path).items():
            texts[plain_name(video)] = [
                sentence(words if isinstance(words, str) else " ".join(words)) for words in said
            ]
    return texts


def text_names(folder: Path) -> dict[str, str]:
    """Video name -> what the text features call it, where that differs."""
    path = folder / MAPPING
    mapping = _named(load_pickle(path), path) if path.exists() else {}
    return {plain_name(video): plain_name(str(called)) for video, called in mapping.items()}


def _chosen(folder: Path, test_captions: str) -> dict[str, int] | int | None:
    """Index of the caption that counts: of each test video, of all, or None for every caption."""
    if test_captions in {"all", "first"}:
        return None if test_captions == "all" else 0
    path = folder / test_captions
    if not path.exists():
        raise AnnotationError(
            f"{path}: no such file; it says which caption of each test video counts, and is not in every release: "
            "take it from another archive, or use the owners' annotation files"
        )
    return {plain_name(video): int(index) for video, index in _named(load_pickle(path), path).items()}


def _only(video: str, said: Annotation, chosen: dict[str, int] | int | None) -> Annotation:
    index = chosen.get(video) if isinstance(chosen, dict) else chosen
    if index is None:
        return said
    if not 0 <= index < len(said.captions):
        raise AnnotationError(f"{video} has {len(said.captions)} captions, and its caption {index} is asked for")
    return annotation("test", [said.captions[index].text])


def _named(data: Any, path: Path) -> dict[str, Any]:
    if not isinstance(data, dict) or not all(isinstance(name, str) for name in data):
        raise AnnotationError(f"{path}: expected data by video name")
    return data
