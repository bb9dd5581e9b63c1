"""What a query may ask for beside its text: filters, weights, the number of hits."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.config import nearest
from pipeline.errors import ConfigError
from search.config import LATE_INTERACTION, NONE, SearchConfig
from search.engines.labels import Labels
from search.index.folder import Facts
from search.index.videos import Videos


@dataclass(frozen=True)
class Filter:
    """Restricts the videos that a query can return."""

    modalities: frozenset[str] = frozenset()
    """Only videos with features of all of these modalities, e.g. speech, ocr, face."""
    shortest_s: float = 0.0
    longest_s: float = float("inf")
    split: str = ""
    """Only videos of this split; empty: of any split."""
    video: str = ""
    """Only the video with this key or id; empty: any."""
    labels: frozenset[str] = frozenset()
    """Only videos in which a classifier saw or heard all of these, each a label's name or words of it, e.g. zebra."""


@dataclass(frozen=True)
class Options:
    """Settings of a query."""

    k: int = 10
    """Maximum number of hits."""
    offset: int = 0
    """Number of hits, the best ones, that are passed over: the page that begins there is wanted."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Expert -> its weight; the default is 1, and 0 leaves the expert out."""
    only: Filter = field(default_factory=Filter)
    second_stage: str = ""
    """none or late_interaction; empty: as search.yaml says."""


class UnknownNameError(ConfigError):
    """An expert, modality or second stage that the collection does not have."""


def check(options: Options, facts: Facts) -> None:
    """Raises UnknownNameError when `options` name what no video can have: an expert, a modality, a second stage."""
    for what, asked, known in (
        ("an expert", options.weights, facts.modalities),
        ("a modality", options.only.modalities, facts.modalities.values()),
        ("a second stage", filter(None, [options.second_stage]), _second_stages(facts)),
    ):
        for name in sorted(set(asked) - set(known)):
            raise UnknownNameError(f"{name!r} is not {what} of {facts.dataset}{nearest(name, sorted(set(known)))}")


def check_without_text(options: Options, facts: Facts) -> None:
    """As `check`, for a question without a text, whose tokens no second stage can look for."""
    check(options, facts)
    if options.second_stage == LATE_INTERACTION:
        raise UnknownNameError(f"{LATE_INTERACTION!r} puts in order what a text finds: it needs the tokens of a text")


def second_stages(settings: SearchConfig, facts: Facts) -> list[str]:
    """The second stages that a query may have; first that of search.yaml, if it is one of them."""
    return sorted(_second_stages(facts), key=lambda one: one != settings.second_stage.engine)


def _second_stages(facts: Facts) -> list[str]:
    return [NONE, LATE_INTERACTION] if facts.late else [NONE]


def second_stage(options: Options, settings: SearchConfig, facts: Facts) -> str:
    """The second stage of a query whose options were checked."""
    return options.second_stage or second_stages(settings, facts)[0]


def allowed(only: Filter, videos: Videos, facts: Facts, labels: Labels | None) -> NDArray[np.bool_]:
    """(V,), whether each video passes the filter; without labels none passes one by label."""
    durations_s = videos.durations_s
    passed: NDArray[np.bool_] = np.ones(len(durations_s), np.bool_)
    if only.shortest_s > 0 or only.longest_s < float("inf"):
        passed = (durations_s >= only.shortest_s) & (durations_s <= only.longest_s)
    if only.video:
        passed &= np.arange(len(passed)) == videos.row(only.video)
    for modality in only.modalities:
        passed &= _has(modality, videos, facts)
    for label in only.labels:
        has_label: NDArray[np.bool_] = np.zeros(len(durations_s), np.bool_)
        has_label[labels.videos_with(label) if labels else []] = True
        passed &= has_label
    return passed & (videos.splits == only.split.encode()) if only.split else passed


def _has(modality: str, videos: Videos, facts: Facts) -> NDArray[np.bool_]:
    """(V,), whether each video has features of any expert of the modality."""
    present: NDArray[np.bool_] = np.zeros(len(videos), np.bool_)
    for name, of_expert in facts.modalities.items():
        if of_expert == modality:
            present |= videos.present[name]
    return present
