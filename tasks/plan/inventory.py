"""What is there of a dataset, and what is missing: its manifest, the rows of each expert, the token vectors.

Indexes are read only, never an array.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from extractors.registry import NamedExpert, NamedText
from pipeline.datasets import manifest, scan
from pipeline.datasets.annotations import Caption, DatasetConfig
from pipeline.datasets.manifest import Manifest, Video
from pipeline.errors import PipelineError
from pipeline.released.feature_import import fill_absent, origin_of, row_key
from pipeline.stores import store
from pipeline.stores.store import Row
from tasks.plan.selection import Choice

if TYPE_CHECKING:
    from extractors.extraction.one_pass import Wanted

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ExpertState:
    """What the store of an expert lacks of a dataset; rows are named by content, imported ones by the video's name."""

    expert: NamedExpert
    folder: Path
    rows: dict[str, Row]
    """Of this dataset's videos only."""
    remaining: frozenset[str]
    """Keys of the rows that are not there yet."""

    @property
    def failed(self) -> list[Row]:
        """The videos on which it failed."""
        return [row for row in self.rows.values() if row.failed]


class Inventory(Choice):
    """A choice, and what the data folder holds for it."""

    def manifest(self) -> Manifest | None:
        """The manifest of the dataset as it looks now, or None when it must be built first."""
        folder = self.layout.manifests(self.dataset)
        name = manifest.read_pointer(folder, _look(self.dataset, self.settings))
        return manifest.load(self.dataset, Path(self.settings.videos), folder, name) if name else None

    def folder_changes(self, before: Manifest) -> str:
        """What is new, changed or gone in the dataset's folder since `before`, in words."""
        changed = scan.changes(before, self.settings, self.layout.cache)
        told = [f"{len(names)} {what} (e.g. {names[0]})" for what, names in changed.items() if names]
        return "; ".join(told) or "the captions or settings changed"

    def build_manifest(self, workers: int, deadline_s: float, progress: Progress) -> Manifest:
        """Looks into the dataset's folder as it is now, and saves what is found."""
        look_again(self.dataset)
        look = _look(self.dataset, self.settings)
        built = scan.build(self.dataset, self.settings, self.layout.cache, workers, deadline_s, progress)
        folder = self.layout.manifests(self.dataset)
        manifest.save(built, folder)
        manifest.write_pointer(folder, look, built.fingerprint)
        return built

    def files(self) -> list[tuple[Path, Video]]:
        """(file, video) of the dataset, in manifest order."""
        videos = self.manifest()
        return [(videos.path(video), video) for video in videos.videos] if videos else []

    @property
    def collection(self) -> str:
        """What imported features of the dataset are filed under."""
        return self.settings.released.collection if self.settings.released else self.dataset

    def row_key(self, expert: NamedExpert, video: Video) -> str:
        """Names the row of a video in the store of the expert."""
        return row_key(self.collection, video.video_id) if expert.is_imported else video.content

    def expert_state(self, expert: NamedExpert) -> ExpertState | None:
        """What is there and what is missing of an expert's features, or None when there is no manifest yet."""
        videos = self.manifest()
        if videos is None:
            return None
        folder = self.layout.features(expert)
        wanted = {self.row_key(expert, video) for video in videos.videos}
        rows = {key: row for key, row in store.rows(folder).items() if key in wanted}
        return ExpertState(expert, folder, rows, frozenset(wanted - rows.keys()))

    def wanted(self, names: Iterable[str]) -> "list[Wanted]":
        """For each expert that lacks videos, the store to fill and which they are."""
        from extractors.extraction.one_pass import Wanted

        states = [self.expert_state(self.expert(name)) for name in names]
        return [Wanted(state.expert, state.folder, state.remaining) for state in states if state and state.remaining]

    def complete_import(self, name: str) -> None:
        """Absent rows for videos that an imported expert knows nothing of; PipelineError when none was imported."""
        state = self.expert_state(self.expert(name))
        origin = origin_of(state.folder, self.collection) if state else None
        if state is None or origin is None or not origin.finished:
            raise PipelineError(
                f"expert {name} has no features of {self.collection}: luigi --module tasks ImportExperts --dataset "
                f"{self.dataset} gets and imports them (--archive FILE takes yours)"
            )
        fill_absent(state.folder, state.expert.extractor.dim, state.remaining)

    def too_many_failed(self, state: ExpertState) -> str:
        """Why a run must not go on with this expert, in words; empty when it may."""
        failed, total = len(state.failed), len(state.rows) + len(state.remaining)
        if failed <= self.settings.max_failed_fraction * total:
            return ""
        reasons = sorted({row.reason for row in state.failed})
        return (
            f"expert {state.expert.name} failed on {failed} of {total} videos of {self.dataset}, e.g.: {reasons[0]}; "
            f"at most {self.settings.max_failed_fraction:.0%} may. Mend or remove the files (luigi --module tasks "
            f"ForgetFailures --dataset {self.dataset} tries failed ones again), or raise max_failed_fraction in "
            f"configs/datasets/{self.dataset}.yaml"
        )

    def missing_captions(self, text: NamedText | None = None) -> list[str] | None:
        """The captions without token vectors, each text once, or None when there is no manifest yet.

        The vectors are those of `text`, by default of the model's text encoder.
        """
        videos = self.manifest()
        if videos is None:
            return None
        have = store.rows(self.layout.text(text or self.text))
        texts = dict.fromkeys(caption.text for video in videos.videos for caption in video.captions)
        return [text for text in texts if Caption(text).key not in have]


_looks: dict[str, str] = {}


def _look(dataset: str, settings: DatasetConfig) -> str:
    """How the dataset's folder looks from outside; looked at once until `look_again`."""
    if dataset not in _looks:
        if not Path(settings.videos).is_dir() and settings.demo:
            return "not-made-yet"
        _looks[dataset] = scan.scan_digest(dataset, settings)
    return _looks[dataset]


def look_again(dataset: str) -> None:
    """The folder has changed, or may have."""
    _looks.pop(dataset, None)
