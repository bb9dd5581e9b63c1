"""Where things lie, from videos to reports."""

from dataclasses import dataclass, field
from pathlib import Path

from extractors.registry import NamedExpert, NamedText
from pipeline.stores.fingerprint import fingerprint
from pipeline.weights.files import WeightOptions


@dataclass(frozen=True)
class Layout:
    """Where things lie."""

    data: Path
    configs: Path
    weights: WeightOptions = field(default_factory=WeightOptions)

    @property
    def store(self) -> Path:
        """All that is computed."""
        return self.data / "store"

    @property
    def cache(self) -> Path:
        """What was seen in each file, so that it need not be read again."""
        return self.data / "cache" / "files.sqlite"

    def manifests(self, dataset: str) -> Path:
        """One folder a manifest, and one pointer a look of the dataset's folder."""
        return self.store / "manifests" / dataset

    def features(self, expert: NamedExpert) -> Path:
        """The store of an expert's features."""
        return self.store / "features" / expert.name / fingerprint(expert.recipe)

    def text(self, text: NamedText) -> Path:
        """The store of a text encoder's token vectors."""
        return self.store / "text" / text.name / fingerprint(text.recipe)
