"""Makes the demo dataset: generated videos and captions to try the whole pipeline without a download."""

import csv
import io
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.config import STRICT
from pipeline.demo.captions import write_captions
from pipeline.demo.ground_truth import Facts, sample_facts
from pipeline.errors import ConfigError, PipelineError
from pipeline.stores import atomic

DAMAGED = "demo_damaged"
"""Stem of a video file that cannot be decoded, as real collections have them."""

VIDEOS_PER_WORKER = 4
"""Minimum per process: fewer are encoded faster than a process starts."""


@dataclass(frozen=True)
class DemoSettings:
    """Settings of the demo; equal settings give files with equal bytes."""

    __pydantic_config__ = STRICT

    version: int
    """Raised when the same settings are to give other videos."""
    seed: int
    num_train: int
    """Without the damaged file."""
    num_val: int
    num_test: int
    captions_per_video: int
    duration_s: tuple[float, float]
    """Shortest and longest."""
    width_px: int
    height_px: int
    fps: int

    def __post_init__(self) -> None:
        shortest, longest = self.duration_s
        for wrong, message in (
            (min(self.num_train, self.num_val, self.num_test) < 0, "num_train, num_val and num_test must be 0 or more"),
            (not 1 <= self.captions_per_video <= 20, "captions_per_video must be 1 to 20"),
            (not 1 <= shortest <= longest <= 60, "duration_s must be [shortest, longest], within 1 to 60"),
            (self.width_px < 320 or self.height_px < 240, "width_px x height_px must be 320 x 240 or more"),
            (self.width_px % 2 or self.height_px % 2, "width_px and height_px must be even"),
            (not 5 <= self.fps <= 60, "fps must be 5 to 60"),
        ):
            if wrong:
                raise ConfigError(message)


def make_demo(settings: DemoSettings, folder: Path, progress: Callable[[int, int], None] | None = None) -> None:
    """Makes folder/videos/*.mp4 (some with .srt) and, when all are made, folder/captions.csv.

    Videos of an earlier run with the same settings are kept. `progress` is called with the number of finished videos
    and the total. PipelineError when a file cannot be written or a worker process dies.
    """
    facts = all_facts(settings)
    try:
        _prepare(settings, folder)
        missing = [one for one in facts if not _video_path(folder, one).exists()]
        for done, _ in enumerate(_make_videos(missing, settings, folder), start=len(facts) - len(missing) + 1):
            if progress:
                progress(done, len(facts))
        _write(folder / "captions.csv", _captions_csv(facts, settings))
    except OSError as error:
        raise PipelineError(f"{error.filename or folder}: the demo cannot be written: {error.strerror}") from error


def is_made(settings: DemoSettings, folder: Path) -> bool:
    """Whether `make_demo` has finished in `folder` with these settings."""
    path = folder / "settings.json"
    recorded = path.read_text(encoding="utf-8") if path.exists() else ""
    return recorded == _to_json(settings) and (folder / "captions.csv").exists()


def all_facts(settings: DemoSettings) -> list[Facts]:
    """The facts of every video of the demo: train, val, test, and last the damaged file."""
    counts = {"train": settings.num_train, "val": settings.num_val, "test": settings.num_test}
    videos = [(split, index) for split, count in counts.items() for index in range(count)]
    facts = [
        sample_facts(f"demo_{number:03d}", split, settings.seed, index, settings.duration_s)
        for number, (split, index) in enumerate(videos)
    ]
    # A negative index uses decks of its own, so the damaged video takes no card from the others.
    return [*facts, sample_facts(DAMAGED, "train", settings.seed, -1, settings.duration_s)]


def _prepare(settings: DemoSettings, folder: Path) -> None:
    """Makes the folder, records the settings in it, and deletes the videos of other settings."""
    (folder / "videos").mkdir(parents=True, exist_ok=True)
    path = folder / "settings.json"
    if path.exists() and path.read_text(encoding="utf-8") == _to_json(settings):
        return
    (folder / "captions.csv").unlink(missing_ok=True)
    for stale in (folder / "videos").glob("*demo_*"):
        stale.unlink()
    _write(path, _to_json(settings).encode())


def _to_json(settings: DemoSettings) -> str:
    return json.dumps(asdict(settings), indent=2) + "\n"


def _make_videos(missing: list[Facts], settings: DemoSettings, folder: Path) -> Iterator[str]:
    """Makes the videos, in worker processes when there are enough of them; yields the name of each finished one."""
    workers = min(os.cpu_count() or 1, len(missing) // VIDEOS_PER_WORKER)
    if workers < 2:
        for facts in missing:
            yield _make_video(facts, settings, folder)
        return
    # spawn: a fork of a process with threads (Luigi, torch) can hang on a lock that a thread held during the fork.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(_make_video, facts, settings, folder) for facts in missing]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool:
            raise PipelineError(f"{folder}: a process that made videos died (out of memory?); run it again") from None
        finally:
            pool.shutdown(cancel_futures=True)


def _make_video(facts: Facts, settings: DemoSettings, folder: Path) -> str:
    """Writes the .srt, if any, and then the video, so that a video file marks a finished video."""
    from pipeline.demo import encode

    video = encode.encode(facts, settings.width_px, settings.height_px, settings.fps)
    if facts.name == DAMAGED:
        video = video[: len(video) // 2]  # removes the index of the mp4 (its moov atom), which comes last
    if facts.subtitle and not facts.subtitle_embedded:
        _write(_video_path(folder, facts).with_suffix(".srt"), encode.srt(facts).encode())
    _write(_video_path(folder, facts), video)
    return facts.name


def _video_path(folder: Path, facts: Facts) -> Path:
    return folder / "videos" / f"{facts.name}.mp4"


def _captions_csv(facts: list[Facts], settings: DemoSettings) -> bytes:
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(("video", "split", "caption", "tags"))
    for one in facts:
        for caption, channels in write_captions(one, settings.captions_per_video):
            writer.writerow((f"{one.name}.mp4", one.split, caption, ";".join(channels)))
    return lines.getvalue().encode()


def _write(path: Path, content: bytes) -> None:
    """Writes a file atomically; PipelineError names it when it cannot be written."""
    temporary = path.with_name(f".{path.name}.part")  # always the same name: what a kill leaves is written over
    try:
        temporary.write_bytes(content)
        atomic.publish(temporary, path)
    except OSError as error:
        raise PipelineError(f"{path}: cannot be written: {error.strerror}") from error
