"""What the data folder holds for a selection: the manifest, the rows of each expert, the token vectors.

Only indexes are read, never an array.
"""

import logging
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from extractors.registry import NamedExpert, NamedText
from pipeline.datasets import manifest, scan
from pipeline.datasets.annotations import DatasetConfig, cut_dataset
from pipeline.datasets.manifest import Files, Manifest, Video
from pipeline.errors import DamagedError, PipelineError
from pipeline.released.feature_import import Origin, fill_absent, origin_of
from pipeline.stores import damage, store
from pipeline.stores.row_table import Held
from pipeline.stores.store import Row
from tasks.parameters import names_in
from tasks.plan import row_keys
from tasks.plan.cut import cut_digest, cut_manifest
from tasks.plan.selection import Selection

if TYPE_CHECKING:
    from extractors.extraction.one_pass import Wanted

Progress = Callable[[int, int], None]
"""Callback `(done, total)`."""

log = logging.getLogger(__name__)

T = TypeVar("T")

scan_digests: dict[tuple[str, bool], str] = {}
"""(dataset, whether it may be partial) -> digest of its folder (names, sizes, dates), scanned once per process.

Luigi asks for the same outputs many times in a run: a new scan each time would be slow, and a file that arrives during
the run would change what the run has planned. Tasks that change the folder call `rescan`.
"""


def rescan(dataset: str) -> None:
    """Makes the next look at the manifest scan the dataset's folder again."""
    for partial in (False, True):
        scan_digests.pop((dataset, partial), None)


def mended(store_folder: Path, read: Callable[[], T]) -> T:
    """The value of `read`; each damaged result that it meets is set aside, told in one line, and then missing."""
    seen: set[Path] = set()
    while True:
        try:
            return read()
        except DamagedError as error:
            if error.path in seen:
                raise
            seen.add(error.path)
            log.warning("%s", damage.set_aside(error, store_folder))


@dataclass(frozen=True)
class ExpertState:
    """The rows of one expert for the videos of one dataset, and those that are missing."""

    expert: NamedExpert
    folder: Path
    held: Held
    """The rows of the videos, in manifest order. For imported features their keys stand for (collection, video id)."""

    @property
    def remaining(self) -> Set[str]:
        """Keys of the missing rows."""
        return self.held.remaining

    @property
    def num_videos(self) -> int:
        """Number of different rows that the dataset needs."""
        return self.held.num_keys

    @property
    def failed(self) -> list[Row]:
        """The rows of videos on which the expert failed."""
        return self.held.failed


class Inventory:
    """What the data folder holds for a selection."""

    def __init__(self, selection: Selection) -> None:
        self.selection = selection
        self.uncut = Inventory(selection.uncut) if selection.settings.segment else None
        """Of a dataset that is cut into clips that of its uncut videos."""

    def manifest(self) -> Manifest | None:
        """The manifest of the dataset's folder as it is now, or None where it must be built first."""
        folder, digest = self._manifests, self._digest()
        found = self._mended(lambda: self._load(manifest.read_pointer(folder, digest)))
        warnings = manifest.read_warnings(folder, digest)
        return found if found is None or warnings is None else replace(found, warnings=warnings)

    def _load(self, name: str | None) -> Manifest | None:
        selection = self.selection
        root = Path(selection.settings.videos)
        return manifest.load(selection.dataset, root, self._manifests, name) if name else None

    def _mended(self, read: Callable[[], T]) -> T:
        return mended(self.selection.layout.store, read)

    def build_manifest(self, workers: int, deadline_s: float, progress: Progress) -> Manifest:
        """Scans the dataset's folder again, reads the new and changed files, and saves the manifest.

        Of a dataset that is cut into clips: cuts the videos, of which the manifest is there.
        """
        selection = self.selection
        uncut = self.uncut.manifest() if self.uncut else None
        if uncut is None:
            rescan(selection.dataset)
        digest = self._digest()
        built = self._mended(lambda: self._built(uncut, workers, deadline_s, progress))
        manifest.save(built, self._manifests)
        manifest.write_pointer(self._manifests, digest, built.fingerprint, built.warnings)
        return built

    def _built(self, uncut: Manifest | None, workers: int, deadline_s: float, progress: Progress) -> Manifest:
        selection = self.selection
        if selection.settings.segment is None:
            cache = selection.layout.cache
            return scan.build(selection.dataset, selection.settings, cache, workers, deadline_s, progress)
        if uncut is None:
            raise PipelineError(f"{selection.dataset}: no manifest of its uncut videos; run BuildManifest")
        return cut_manifest(selection, selection.settings.segment, uncut)

    def _digest(self) -> str:
        """The digest of all that decides the manifest (see `scan.scan_digest`)."""
        selection = self.selection
        if self.uncut and selection.settings.segment:
            return cut_digest(selection, selection.settings.segment, self.uncut._digest())
        return _scan_digest(selection.dataset, selection.settings)

    def refuse_empty_splits(self, splits: str) -> None:
        """AnnotationError where the manifest is known and one of these splits is empty; see `training_splits`."""
        videos = self.manifest() if splits else None
        if videos:
            videos.refuse_empty(*sorted(alternatives.split("+") for alternatives in set(names_in(splits))))

    def last_manifest(self) -> Manifest | None:
        """The manifest of the newest scan, which may be outdated; None where none was ever built."""
        return self._mended(lambda: self._load(manifest.newest_pointer(self._manifests)))

    def folder_changes(self, before: Manifest) -> str:
        """What is new, changed or gone in the dataset's folder since `before`, in words."""
        selection = self.selection
        if self.uncut:
            now, last = self.uncut.manifest(), self.uncut.last_manifest()
            changed = now is None and last is not None
            return self.uncut.folder_changes(last) if changed and last else "its videos are to be cut anew"
        changes = self._mended(lambda: scan.changes(before, selection.settings, selection.layout.cache))
        counts = [f"{len(names)} {kind} (e.g. {names[0]})" for kind, names in changes.items() if names]
        return "; ".join(counts) or "the captions or settings changed"

    def files(self) -> Sequence[tuple[Path, Video]]:
        """(file, video) of the dataset, in manifest order; empty before the manifest is built."""
        videos = self.manifest()
        return Files(videos) if videos else []

    def row_key(self, expert: NamedExpert, video: Video) -> str:
        """Key of the row of a video in the store of an expert."""
        return row_keys.of_video(video, self.collection(expert))

    def expert_state(self, expert: NamedExpert) -> ExpertState | None:
        """Which rows of an expert are there and which are missing, or None before the manifest is built."""
        videos = self.manifest()
        if videos is None:
            return None
        folder = self.selection.layout.features(expert)
        rows = self._mended(lambda: store.table(folder))
        return ExpertState(expert, folder, rows.held(row_keys.of_videos(videos, self.collection(expert))))

    def collection(self, expert: NamedExpert) -> str:
        """The collection whose features of this expert are imported; empty where it extracts them itself."""
        return self.selection.collection if expert.is_imported else ""

    def missing_features(self, names: Iterable[str]) -> "list[Wanted]":
        """For each of these experts that has missing rows: its store, and the keys of the rows."""
        from extractors.extraction.one_pass import Wanted

        states = [self.expert_state(self.selection.expert(name)) for name in names]
        return [Wanted(state.expert, state.folder, state.remaining) for state in states if state and state.remaining]

    def missing_captions(self, text: NamedText | None = None) -> list[str] | None:
        """The captions without token vectors, each text once, or None before the manifest is built.

        The vectors are those of `text`, by default of the model's text encoder.
        """
        videos = self.manifest()
        if videos is None:
            return None
        rows = self._mended(lambda: store.table(self.selection.layout.text(text or self.selection.text)))
        missing = set(rows.held(row_keys.of_captions(videos)).missing)
        return [text for place, text in enumerate(row_keys.texts(videos)) if place in missing] if missing else []

    def complete_import(self, name: str) -> None:
        """Writes an absent row for each video that the imported features lack; PipelineError where there are none."""
        selection = self.selection
        state = self.expert_state(selection.expert(name))
        origin = self.origin(state.folder) if state else None
        if state is None or origin is None or not origin.finished:
            raise PipelineError(
                f"expert {name} has no features of {selection.collection}: luigi --module tasks ImportExperts "
                f"--dataset {selection.dataset} gets and imports them (--archive FILE takes yours)"
            )
        fill_absent(state.folder, state.expert.extractor.dim, state.remaining)

    def origin(self, folder: Path) -> Origin | None:
        """The origin of the imported features of the dataset in a store; None where nothing was imported."""
        return self._mended(lambda: origin_of(folder, self.selection.collection))

    def failure_message(self, state: ExpertState) -> str:
        """Error message where more videos failed than `max_failed_fraction` allows; empty otherwise."""
        dataset, limit = self.selection.dataset, self.selection.settings.max_failed_fraction
        if len(state.failed) <= limit * state.num_videos:
            return ""
        reasons = sorted({row.reason for row in state.failed})
        return (
            f"expert {state.expert.name} failed on {len(state.failed)} of {state.num_videos} videos of {dataset}, "
            f"e.g.: {reasons[0]}; at most {limit:.0%} may. Mend or remove the files (luigi --module tasks "
            f"ForgetFailures --dataset {dataset} tries failed ones again), or raise max_failed_fraction in "
            f"configs/datasets/{cut_dataset(dataset)}.yaml"
        )

    @property
    def _manifests(self) -> Path:
        return self.selection.layout.manifests(self.selection.dataset)


def _scan_digest(dataset: str, settings: DatasetConfig) -> str:
    key = dataset, settings.allow_partial
    if key not in scan_digests:
        if not Path(settings.videos).is_dir() and settings.demo:
            return "not-made-yet"
        scan_digests[key] = scan.scan_digest(dataset, settings)
    return scan_digests[key]
