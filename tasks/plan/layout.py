"""Paths of everything that the program reads and writes."""

from dataclasses import dataclass, field
from pathlib import Path

from extractors.registry import NamedExpert, NamedText
from pipeline.remote.objects import is_remote
from pipeline.remote_files.home import Reading
from pipeline.remote_files.places import file_of, folder_of
from pipeline.stores import places
from pipeline.stores.fingerprint import fingerprint
from pipeline.weights.files import WeightOptions


@dataclass(frozen=True)
class Layout:
    """The folders of the data and of the configs, and where weights come from."""

    data: Path
    configs: Path
    weights: WeightOptions = field(default_factory=WeightOptions)
    stored: str = ""
    """Where results lie: empty for `data/store`, or another folder, or an address of object storage."""
    reading: Reading = field(default_factory=Reading)
    """How remote videos are read."""

    @property
    def store(self) -> Path:
        """Folder of all computed results; of object storage, the folder that mirrors it."""
        return places.store_folder(self.stored, self.data)

    @property
    def cache(self) -> Path:
        """SQLite file with the facts of each media file, so that an unchanged file is not read again."""
        return self.data / "cache" / "files.sqlite"

    def videos(self, named: str) -> Path:
        """Folder of the videos that a YAML names; of those elsewhere the one that stands for them."""
        return folder_of(named, self.data, self.reading)

    def captions(self, named: str | None) -> str | None:
        """The captions that a YAML names; of those elsewhere the path of the file that stands for them."""
        return str(file_of(named, self.data, self.reading)) if named and is_remote(named) else named

    def manifests(self, dataset: str) -> Path:
        """Folder of a dataset's manifests, and of the pointers from a scan of the dataset's folder to a manifest."""
        return self.store / "manifests" / dataset

    def features(self, expert: NamedExpert) -> Path:
        """Store of an expert's features."""
        return self.store / "features" / expert.name / fingerprint(expert.recipe)

    def text(self, text: NamedText) -> Path:
        """Store of a text encoder's token vectors."""
        return self.store / "text" / text.name / fingerprint(text.recipe)
