"""Shows an example to the experts of an index: by their own preparation and their networks, as in the extraction."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from extractors import registry
from extractors.base import FrameNeed
from pipeline.errors import PipelineError, in_one_line
from pipeline.weights.files import WeightOptions
from search.index.features import few
from search.index.folder import EXPERTS, Facts
from search.index.vectors import Floats

if TYPE_CHECKING:  # what decodes and prepares an example is imported for one alone: a query in words needs none of it
    from search.engines.shown_experts import ShownExpert

_one_at_a_time = threading.Lock()
"""Networks take all the memory that they are given; two examples at once would take twice of it."""


@dataclass(frozen=True)
class Example:
    """What somebody wants to find the like of."""

    name: str
    """In words, to be shown."""
    features: Mapping[str, Floats]
    """Expert that can answer -> (n, D), n >= 1, its features of the example, of which there are few."""
    notes: tuple[str, ...] = ()
    """Why the other experts cannot answer."""


@dataclass(frozen=True)
class ExampleExperts:
    """The experts of the index in `folder`; `weights` says where their weights are now."""

    folder: Path
    facts: Facts
    weights: WeightOptions

    def show(self, path: Path, name: str) -> Example:
        """The example in a file, as all experts see it.

        DecodeError where the file is no example; PipelineError where no expert can answer.
        """
        from search.engines.example_files import read_example

        with _one_at_a_time:
            experts, notes = self._experts()
            read = read_example(path, [expert.named.id for expert in experts])
            features: dict[str, Floats] = {}
            silent: dict[str, list[str]] = {}
            for expert in experts:
                try:
                    prepared = read.prepared[expert.named.name]
                    values = expert.features(prepared.items, prepared.times_s)
                    why = prepared.note or "nothing there for it"
                except Exception as error:  # a network that cannot be run costs the answer of its expert
                    values, why = np.zeros((0, 1), np.float32), in_one_line(error)
                if len(values):
                    features[expert.named.name] = few(values, self.facts.modalities[expert.named.name])
                else:
                    silent.setdefault(why, []).append(expert.named.name)
        notes += [f"{', '.join(names)} ({why})" for why, names in silent.items()]
        if not features:
            raise PipelineError(_nobody(read.kind, notes))
        told = (f"Not by {'; '.join(notes)}.",) if notes else ()
        return Example(name or f"a {read.kind}", features, told)

    def short_px(self, name: str) -> int | None:
        """Short side of the frames that an expert is shown; None where it sees them in their own size, or none."""
        if not self.facts.recipes.get(name):
            return None
        need = registry.expert(name, self.folder / EXPERTS, self._options).extractor.need
        return need.short_px if isinstance(need, FrameNeed) else None

    @property
    def _options(self) -> WeightOptions:
        return replace(self.weights, seeded=self.facts.seeded)

    def _experts(self) -> "tuple[list[ShownExpert], list[str]]":
        """The experts that can be shown something, and why the others cannot."""
        from search.engines.shown_experts import load

        found, notes = [], []
        for name in self.facts.compared:
            try:
                found.append(load(self.folder, name, self._options, self.facts.recipes.get(name, "")))
            except PipelineError as error:
                notes.append(f"{name} ({error})")
        return found, notes


def _nobody(kind: str, notes: Sequence[str]) -> str:
    """Why no expert answers, and what would."""
    from search.engines.example_files import PICTURE, SOUND

    would = {PICTURE: "an expert that sees single frames", SOUND: "an expert that hears (modality audio)"}
    told = f"No expert of this collection can answer this {kind}; it takes {would.get(kind, 'another one')}."
    return f"{told} {'; '.join(notes)}"
