"""Takes a folder of damaged files through the whole way, and holds each of them to what it must end as."""

import re
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import av

from benchmarks.extraction_case import WorkerMemory
from extractors.extraction import one_pass
from extractors.extraction.one_pass import PassOptions, Wanted, extract
from extractors.extraction.segments import num_segments
from pipeline.datasets import files, scan
from pipeline.datasets.annotations import DatasetConfig
from pipeline.datasets.manifest import Video
from pipeline.errors import DecodeError
from pipeline.media.container import open_container
from pipeline.media.timeline import RARE_FORWARD_S
from pipeline.stores import store
from tests.extractors.run_experts import named

EXPERTS = ["rgb_light", "audio_light", "speech_light"]
"""Of frames, of sound and of words."""

DEADLINE_S = 300.0
"""That of the shipped luigi.cfg."""

MOST_MB = 1000.0
LONGEST_REASON = 600

_BUG = re.compile(r"(^|[;:] )(?!OSError)[A-Z]\w*(Error|Exception|Warning)\b")
"""A reason that names an exception of Python: nobody had thought of that fault."""


@dataclass
class Outcome:
    """What became of a folder."""

    videos: list[Video]
    rows: dict[str, list[store.Row]]
    """Expert -> its rows, in all parts."""
    errors: dict[str, Exception]
    """Expert -> what ended its run."""
    worker_mb: float
    """Peak memory of the largest worker; 0 without workers."""
    lost: list[object] = field(default_factory=list)
    """Jobs whose worker hung or died, also where the second try went well."""


def run(folder: Path) -> Outcome:
    """The outcome for the files in `folder / "videos"`; all else is written beside it."""
    options = PassOptions(workers=2, deadline_s=DEADLINE_S, videos_per_part=64, device="cpu")
    memory = WorkerMemory()
    memory.start()
    with _lost_jobs() as lost:
        settings = DatasetConfig(str(folder / "videos"))
        manifest = scan.build("fuzz", settings, folder / "inspections.sqlite", options.workers, DEADLINE_S)
        keys = frozenset(video.content for video in manifest.videos)
        wanted = [Wanted(named(name), folder / name, keys) for name in EXPERTS]
        errors = extract(wanted, [(manifest.path(video), video) for video in manifest.videos], options)
    worker_mb = memory.stop()
    store.forget_scans()
    rows = {
        name: [row for part in store.parts(folder / name) for row in store.rows_of(part)]
        for name in EXPERTS
    }  # fmt: skip
    return Outcome(list(manifest.videos), rows, errors, worker_mb, lost)


@contextmanager
def _lost_jobs():
    """Context with the list of jobs whose worker hung or died: the pass asks for the second try of each."""
    lost = []
    with (
        mock.patch.object(
            files, "_without_probe", lambda job, again=files._without_probe: lost.append(job) or again(job)
        ),
        mock.patch.object(
            one_pass, "_once_more", lambda job, again=one_pass._once_more: lost.append(job) or again(job)
        ),
    ):
        yield lost


def faults_of(outcome: Outcome) -> list[str]:
    """What is not as it must be, in words; empty when every file has ended as a row."""
    faults = [f"the worker of {job} hung or died" for job in outcome.lost]
    faults += [f"the run of {name} ended: {error}" for name, error in outcome.errors.items()]
    faults += [f"a worker took {outcome.worker_mb:.0f} MB"] if outcome.worker_mb > MOST_MB else []
    names = {video.content: video.video_id for video in outcome.videos}
    for video in outcome.videos:
        faults += [
            f"{video.video_id}: {why}" for why in (_wrong_reason(video.problem), _wrong_reason(video.note)) if why
        ]
    for expert, rows in outcome.rows.items():
        numbers = Counter(row.key for row in rows)
        faults += [f"{name}: {numbers[key]} rows of {expert}" for key, name in names.items() if numbers[key] != 1]
        for row in rows:
            why = _wrong_reason(row.reason) or ("failed without a reason" if row.failed and not row.reason else "")
            faults += [f"{names.get(row.key, row.key)}, {expert}: {why}"] if why else []
    return faults


def too_long(folder: Path, outcome: Outcome) -> list[str]:
    """The videos that are taken for longer than their packets could be shown, at an hour each."""
    return [
        f"{video.video_id}: {video.duration_s:.0f} s, {num_segments(video.duration_s)} segments"
        for video in outcome.videos
        if video.duration_s > RARE_FORWARD_S * num_packets(folder / "videos" / video.video_id)
    ]


def num_packets(path: Path) -> int:
    """The packets that can be read in a file; 0 where it cannot be opened."""
    number = 0
    with suppress(DecodeError, av.error.FFmpegError), open_container(path) as container:
        for packet in container.demux():
            number += packet.size > 0
    return number


def _wrong_reason(reason: str) -> str:
    if len(reason.splitlines()) > 1 or len(reason) > LONGEST_REASON or "Traceback" in reason:
        return f"a reason of more than a line: {reason!r}"
    return f"a reason that nobody has thought of: {reason}" if _BUG.search(reason) else ""
