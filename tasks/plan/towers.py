"""Text towers: which experts of a selection are aligned with text, and whether their towers are here."""

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

from extractors import registry
from extractors.registry import NamedText
from models.zero_shot.settings import LATE_INTERACTION_VERSION
from pipeline.errors import ConfigError, PipelineError
from pipeline.stores.fingerprint import Recipe, fingerprint
from pipeline.weights import cache
from tasks.plan.selection import Selection

if TYPE_CHECKING:
    from models.inputs.load import Tower


class TowersPlan:
    """Plan of the text towers of a selection: by them a report ranks without training.

    A tower takes part where its weights are here, or where the model cannot do without: nobody must have them for a
    report alone, so none are fetched for that.
    """

    def __init__(self, selection: Selection) -> None:
        self._selection = selection

    @functools.cached_property
    def _found(self) -> tuple[dict[str, NamedText], dict[str, str]]:
        """Expert -> its tower, of those that take part; expert -> what the tower lacks, of the others.

        Asked once in a process, so that a file that arrives changes no plan.
        """
        selection, taking_part, lacking = self._selection, dict[str, NamedText](), dict[str, str]()
        for expert, path in registry.text_towers(selection.experts, selection.layout.configs / "text").items():
            text = selection.text_encoder(path.stem)
            if why := self._lacks(text):
                lacking[expert] = why
            else:
                taking_part[expert] = text
        return taking_part, lacking

    def _lacks(self, text: NamedText) -> str:
        model = self._selection.model
        if model.architecture.is_aligned or text.name == model.text:
            return ""
        try:
            missing = cache.missing(registry.weight_files([text.encoder]), self._selection.layout.weights)
        except ConfigError:
            raise
        except PipelineError as error:  # of a library that is not installed
            return str(error)
        return (
            f"the weights of text encoder {text.name} are not here; luigi --module tasks FetchWeights --networks "
            f"text/{text.name} fetches them, or says what to install"
            if missing
            else ""
        )

    @property
    def texts(self) -> dict[str, NamedText]:
        """Expert that is aligned with text -> its text tower, of those that take part."""
        return self._found[0]

    @property
    def tokens(self) -> dict[str, NamedText]:
        """The same experts -> what gives the vectors of tokens, where the model's report has rows by late interaction.

        That is the tower itself, where it has one vector for a text and no more.
        """
        if not self._selection.model.late_interaction:
            return {}
        tokens = registry.TOKENS
        return {
            expert: self._selection.text_encoder(f"{text.name}{tokens}") if text.encoder.token_version else text
            for expert, text in self.texts.items()
        }

    @property
    def lacks(self) -> list[str]:
        """A line for each tower that is not here."""
        return [f"no row of {expert} without training: {why}" for expert, why in self._found[1].items()]

    def recipe(self) -> Recipe:
        """{"towers": what decides their vectors}; empty where none takes part."""
        towers = {text.name: fingerprint(text.recipe) for text in self.texts.values()}
        return {"towers": towers} if towers else {}

    def sources(self) -> "dict[str, Tower]":
        """Where training and evaluation find their vectors."""
        return self._towers(self.texts)

    def token_sources(self) -> "dict[str, Tower]":
        """Where an evaluation finds the vectors of tokens; empty without rows by late interaction."""
        return self._towers(self.tokens)

    def late_recipe(self) -> Recipe:
        """{"late_interaction": what decides its rows in a report}; empty where there is none."""
        texts = {text.name: fingerprint(text.recipe) for text in self.tokens.values()}
        return {"late_interaction": {"version": LATE_INTERACTION_VERSION, "tokens": texts}} if texts else {}

    def _towers(self, texts: Mapping[str, NamedText]) -> "dict[str, Tower]":
        from models.inputs.load import Tower

        layout = self._selection.layout
        return {name: Tower(text.name, layout.text(text), text.encoder.dim) for name, text in texts.items()}
