"""What a query is to the experts that are aligned with text, for a network that starts from their scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.network_inputs import AlignedInput
from models.zero_shot.label_words import LabelVectors, label_weights, sentence_vectors, split
from pipeline.stores.ragged import Ragged
from search.engines.classifier import Classifier
from search.engines.text_encoders import TextEncoders
from search.index.vectors import Floats


@dataclass(frozen=True)
class AlignedTexts:
    """The text towers and classifiers of the index in `folder`."""

    folder: Path
    encoders: TextEncoders

    def of(self, aligned: Sequence[AlignedInput], text: str) -> dict[str, Floats]:
        """(1, D) of each of the experts, as `models.zero_shot.aligned` gives it to a training.

        PipelineError when a text tower cannot be loaded.
        """
        facts = self.encoders.facts
        found = {one.name: self._vector(facts.towers[one.name], text) for one in aligned if not one.temperature}
        classifiers = [one for one in aligned if one.temperature]
        if classifiers:
            labels = [Classifier(self.folder, one.name).labels for one in classifiers]
            sentence = self._vector(facts.sentences, text)
            weights = label_weights(sentence, LabelVectors.join(labels), classifiers[0].temperature)
            found |= {one.name: part for one, part in zip(classifiers, split(weights, labels), strict=True)}
        return found

    def _vector(self, encoder: str, text: str) -> Floats:
        vectors = self.encoders.encode(encoder, text)
        return sentence_vectors(Ragged.stack([vectors], vectors.shape[1]))
