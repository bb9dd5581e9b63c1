"""Zero-shot by label words: whether a run has it, what decides it, and where its inputs are."""

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from extractors import registry
from extractors.base import Extractor
from extractors.registry import NamedExpert, NamedText
from models.zero_shot.settings import VERSION, LabelWords, synonyms
from pipeline import config
from pipeline.datasets.annotations import Caption
from pipeline.errors import ConfigError
from pipeline.stores import store
from pipeline.stores.fingerprint import DIGITS, Recipe, fingerprint, text_sha256
from pipeline.stores.keys import Keys
from pipeline.stores.row_table import Held
from pipeline.weights import cache
from search import config as search_config
from tasks.plan.inventory import mended
from tasks.plan.layout import Layout
from tasks.plan.selection import Selection

if TYPE_CHECKING:
    from models.zero_shot.stored import Classes, LabelSources


class LabelWordsPlan:
    """Plan of the label words of a selection.

    They are on where one of the selected experts keeps labels, configs/search.yaml names a sentence encoder, and the
    weights of that are here: nobody must have them, so none are fetched for this alone. `has_model`: whether the run
    has the model of the selection, whose own text encoder is fetched anyway, as is what its scores start from.
    """

    def __init__(self, selection: Selection, has_model: bool) -> None:
        self._selection, self._has_model = selection, has_model

    @functools.cached_property
    def is_on(self) -> bool:
        """Whether there are label words; asked once in a process, so that a file that arrives changes no plan."""
        return bool(self.classifiers and self.settings.text) and not self.lacks

    @functools.cached_property
    def lacks(self) -> str:
        """One line on what label words lack, where they are asked for; empty otherwise."""
        if not (self.classifiers and self.settings.text):
            return ""
        name, layout = self.settings.text, self._selection.layout
        path = layout.configs / "text" / f"{name}.yaml"
        if not config.find(path).is_file():
            return f"no zero-shot by label words: {path}, which search.yaml names, is not there"
        model = self._selection.model if self._has_model else None
        is_of_model = model is not None and (name == model.text or model.architecture.is_aligned)
        if is_of_model or not cache.missing(registry.weight_files([self.text.encoder]), layout.weights):
            return ""
        return (
            f"no zero-shot by label words: the weights of text encoder {name} are not here; luigi --module tasks "
            f"FetchWeights --networks text/{name} fetches them, or says what to install"
        )

    @functools.cached_property
    def classifiers(self) -> "Mapping[str, NamedExpert]":
        """The experts that keep labels, by name."""
        return {expert.name: expert for expert in self._selection.experts if expert.extractor.labels}

    @functools.cached_property
    def settings(self) -> LabelWords:
        """Block `label_words:` of configs/search.yaml."""
        configs = self._selection.layout.configs
        return (
            search_config.load(configs).label_words if config.find(configs / "search.yaml").is_file() else LabelWords()
        )

    @functools.cached_property
    def text(self) -> NamedText:
        """The sentence encoder; ConfigError where none is named."""
        if not self.settings.text:
            raise ConfigError("configs/search.yaml names no sentence encoder: label_words: {text: sentence_minilm}")
        return self._selection.text_encoder(self.settings.text)

    @property
    def folder(self) -> Path:
        """The store of the sentence encoder."""
        return self._selection.layout.text(self.text)

    @property
    def missing(self) -> list[str]:
        """The descriptions and synonyms of classes without a vector in the store of the sentence encoder, each once."""
        rows = mended(self._selection.layout.store, lambda: store.table(self.folder))
        texts = self._texts
        return [texts[place] for place in Held(rows, Keys(Caption(text).key for text in texts)).missing]

    @functools.cached_property
    def _texts(self) -> list[str]:
        """The descriptions and synonyms of all classes, each once; by length, so that batches have little padding."""
        extractors = [expert.extractor for expert in self.classifiers.values()]
        texts = [text for extractor in extractors for text in extractor.label_descriptions]
        texts += [text for extractor in extractors for name in extractor.labels for text in synonyms(name)]
        return sorted(dict.fromkeys(texts), key=len)

    def inputs(self) -> Recipe:
        """What decides the vectors: the sentence encoder and the names."""
        texts = {name: _digest(expert.extractor) for name, expert in self.classifiers.items()}
        return {"text": {self.text.name: fingerprint(self.text.recipe)}, "names": texts}

    def recipe(self) -> Recipe:
        """{"label_words": all that decides the scores}; empty where there are none."""
        if not self.is_on:
            return {}
        return {"label_words": self.inputs() | {"version": VERSION, "settings": dataclasses.asdict(self.settings)}}

    def sources(self) -> "LabelSources | None":
        """Where an evaluation finds the vectors; None where there are no label words."""
        if not self.is_on:
            return None
        from models.zero_shot.stored import LabelSources

        classifiers = {name: _classes(expert) for name, expert in self.classifiers.items()}
        store_folder = self._selection.layout.text(self.text)
        return LabelSources(self.settings, classifiers, store_folder, self.text.encoder.dim)


def _digest(extractor: Extractor) -> str:
    return text_sha256("\n".join(extractor.labels + extractor.label_descriptions))[:DIGITS]


def _classes(expert: NamedExpert) -> "Classes":
    from models.zero_shot.stored import Classes

    extractor, settings = expert.extractor, expert.extractor.label_settings
    assert settings, "it keeps labels"
    return Classes(extractor.labels, extractor.label_descriptions, settings.keep)


def is_scored_the_same(words: Recipe, layout: Layout) -> bool:
    """Whether the scores of a report, whose recipe holds `words`, would now be made with the same settings and code."""
    now = dataclasses.asdict(search_config.load(layout.configs).label_words)
    return words["version"] == VERSION and fingerprint(words["settings"]) == fingerprint(now)
