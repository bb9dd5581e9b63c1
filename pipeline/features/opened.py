"""Opens the features of an expert for the videos of a dataset."""

import difflib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from pipeline import project
from pipeline.datasets import manifest
from pipeline.datasets.annotations import DatasetConfig, load_dataset
from pipeline.datasets.manifest import Manifest
from pipeline.errors import ConfigError, StoreError
from pipeline.features.made import Made, find_store, read_settings
from pipeline.project import Project
from pipeline.released.feature_import import IMPORTED, row_key
from pipeline.stores.keys import Keys
from pipeline.stores.parts import Features, Reader
from pipeline.stores.store import Row

SHOWN = 3
"""Names of videos in an error message."""


class NoFeaturesError(StoreError, KeyError):
    """A video without features: unknown, not extracted yet, or failed. The message says which, and why."""

    __str__ = OSError.__str__  # that of KeyError puts the message in quotes


class OpenFeatures(Mapping[str, Features]):
    """The features of one expert: video id -> `values` (n, D), `times_s` (n, 2) and `extras`.

    It holds the videos on which the expert worked, in manifest order; n is 0 where there is nothing for it in a video.
    An array is read when a video of its part is asked for; videos of one part in a row are read fastest. For another
    video NoFeaturesError, which is a KeyError, says why.
    """

    def __init__(self, videos: Manifest, expert: str, made: Made) -> None:
        self.dataset, self.expert = videos.dataset, expert
        self.fingerprint, self.recipe = made.fingerprint, made.recipe
        self.manifest = videos
        self._made, self._reader = made, Reader(made.folder)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {video: place for place, video in enumerate(self.manifest.videos.ids)}

    @cached_property
    def _good(self) -> list[str]:
        rows = ((video, self._made.held.row(place)) for video, place in self._places.items())
        return [video for video, row in rows if row is not None and not row.failed]

    @cached_property
    def dim(self) -> int:
        """D, the length of a vector."""
        return self[self._good[0]].values.shape[1] if self._good else 0

    def __getitem__(self, video: str) -> Features:
        """The features of the video with this id."""
        row = self._row(video)
        features = None if row is None or row.failed else self._reader.features(row.key)
        if features is None:
            raise NoFeaturesError(f"{self.dataset}: {self.expert} of {video}: {self._why(row)}")
        # Copies: the reader keeps the arrays of a part, and what somebody does to them is his own.
        extras = {name: values.copy() for name, values in features.extras.items()}
        return Features(features.values.copy(), features.times_s.copy(), extras)

    def __contains__(self, video: object) -> bool:
        """Whether the expert worked on the video."""
        if not isinstance(video, str) or video not in self._places:
            return False
        row = self._row(video)
        return row is not None and not row.failed

    def __iter__(self) -> Iterator[str]:
        return iter(self._good)

    def __len__(self) -> int:
        return len(self._good)

    def _row(self, video: str) -> Row | None:
        if video not in self._places:
            raise NoFeaturesError(f"{self.dataset}: no video {video!r} in it{_near(video, list(self._places))}")
        return self._made.held.row(self._places[video])

    def _why(self, row: Row | None) -> str:
        if row is None:
            run = f"luigi --module tasks ExtractExpert --dataset {self.dataset} --expert {self.expert}"
            return f"not extracted yet; run it: {run}"
        return f"it failed: {row.reason}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.dataset!r}, {self.expert!r}, {self.fingerprint}, {len(self)} videos)"


def open_features(
    dataset: str,
    expert: str,
    data: Path | str | None = None,
    configs: Path | str | None = None,
    store: str | None = None,
    fingerprint: str = "",
) -> OpenFeatures:
    """The features of `expert` for the videos of `dataset`, from the store; nothing is extracted.

    The videos are those of the last look at the dataset's folder. The folders come from the project folder, which is
    looked for upwards from the current one; `data`, `configs` and `store` replace its own. `fingerprint` chooses among
    several stores of the expert; by default it is the one that fits the expert's YAML (see `made.find_store`).
    ConfigError where there is no such dataset or expert, or it was never extracted.
    """
    place = project.load(data=data, configs=configs, store=store)
    settings = load_dataset(dataset, place.configs / "datasets")
    videos = _manifest(place, dataset, settings)
    is_imported = read_settings(place, expert).get("extractor") == IMPORTED
    collection = settings.released.collection if settings.released else dataset
    keys = (row_key(collection, video) for video in videos.videos.ids) if is_imported else videos.videos.contents
    return OpenFeatures(videos, expert, find_store(place, dataset, expert, Keys(keys), fingerprint))


def _manifest(place: Project, dataset: str, settings: DatasetConfig) -> Manifest:
    folder = place.store / "manifests" / dataset
    name = manifest.newest_pointer(folder)
    if name is None:
        raise ConfigError(
            f"{dataset}: nobody has looked into its videos yet; luigi --module tasks BuildManifest --dataset {dataset}"
        )
    return manifest.load(dataset, Path(settings.videos), folder, name)


def _near(video: str, videos: list[str]) -> str:
    """The names nearest to a mistyped one, or else the first ones, as the end of a message."""
    close = difflib.get_close_matches(video, videos, SHOWN)
    if close:
        return f"; did you mean {' or '.join(map(repr, close))}?"
    return f"; its videos are called e.g. {', '.join(map(repr, videos[:SHOWN]))}" if videos else ""
