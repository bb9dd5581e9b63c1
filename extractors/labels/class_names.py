"""The shipped lists of class names: ImageNet's, Kinetics', AudioSet's, Places365's, each a text file in `lists/`.

They are copies, since a recipe that names them is made at every start, and the libraries that have them import torch.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

LISTS = Path(__file__).with_name("lists")


@dataclass(frozen=True)
class ClassNames:
    """The classes of a classifier, in the order of its outputs."""

    names: tuple[str, ...]
    """With synonyms after commas, where the list has them."""
    descriptions: tuple[str, ...]
    """Each name with its definition; the name alone where the list has none."""


def known() -> list[str]:
    """The names of the shipped lists, sorted."""
    return sorted(path.stem for path in LISTS.glob("*.tsv"))


@functools.cache
def shipped(name: str) -> ClassNames:
    """The list called `name`; ValueError when there is none."""
    if name not in known():
        raise ValueError(f"there is no list of class names {name!r}; there are: {', '.join(known())}")
    lines = (LISTS / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    entries = [line.split("\t") for line in lines if not line.startswith("#")]
    return ClassNames(tuple(entry[0] for entry in entries), tuple(": ".join(entry) for entry in entries))
