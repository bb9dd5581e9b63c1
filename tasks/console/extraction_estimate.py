"""Prints what an extraction will do, and an estimate of how long it takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.console.terminal import say
from tasks.plan.settings import Extraction

if TYPE_CHECKING:
    from extractors.extraction.one_pass import Wanted
    from pipeline.datasets.manifest import Video

    Files = Sequence[tuple[Path, Video]]

LONG_HOURS = 1.0
"""From this total duration of the videos on, the time is estimated before the extraction starts."""


@dataclass(frozen=True)
class Work:
    """What an extraction has to do."""

    experts: tuple[str, ...]
    num_videos: int
    """Different ones, by content."""
    hours: float
    """Of video."""

    def line(self) -> str:
        """The work in words."""
        return f"Extracting {', '.join(self.experts)} from {self.num_videos} videos, {duration(self.hours)} in all"


@dataclass(frozen=True)
class Price:
    """What it takes, judged by a trial."""

    seconds: float
    num_bytes: int
    num_devices: int
    num_probed: int
    """Pieces of videos in the trial."""

    def line(self, store: Path) -> str:
        """The price in words; `store`: where the features will lie."""
        devices = f" on {self.num_devices} devices" if self.num_devices > 1 else ""
        return (
            f"That will take about {duration(self.seconds / 3600)}{devices} and {self.num_bytes / 1e6:.0f} MB of disk "
            f"in {store}, judged by {self.num_probed} pieces of the videos"
        )


def announce_extraction(wanted: "Sequence[Wanted]", files: "Files", settings: Extraction, store: Path) -> None:
    """Prints which experts will process how many videos, and for long work how long that will take."""
    work = work_of(wanted, files)
    say(work.line())
    if work.hours > LONG_HOURS:
        say(price_of(wanted, files, settings, store).line(store))


def tell_estimate(
    wanted: "Sequence[Wanted]", files: "Files", settings: Extraction, store: Path, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Prints by `tell` what an extraction will do and take, tried out here; returns the same as plain numbers."""
    work = work_of(wanted, files)
    if not wanted:
        tell("Nothing to extract: all experts have all videos")
        return _plain(work, Price(0.0, 0, 0, 0))
    tell(work.line())
    price = price_of(wanted, files, settings, store)
    tell(price.line(store))
    return _plain(work, price)


def work_of(wanted: "Sequence[Wanted]", files: "Files") -> Work:
    """What there is to do."""
    from extractors.extraction.work import lacking

    durations_s = [video.duration_s for _, video, _ in lacking(wanted, files)]
    return Work(tuple(item.expert.name for item in wanted), len(durations_s), sum(durations_s) / 3600)


def price_of(wanted: "Sequence[Wanted]", files: "Files", settings: Extraction, store: Path) -> Price:
    """Extracts a few segments on trial to say how long all takes, and how much disk it needs below `store`."""
    from extractors.extraction.estimate import estimate
    from extractors.extraction.work import without_networks

    # Fresh networks, which are freed afterwards: else they would stay on the device beside those of the extraction.
    cost = estimate([without_networks(item) for item in wanted], files, settings.options(), store)
    num_devices = len(settings.devices)
    return Price(cost.seconds / num_devices, cost.num_bytes, num_devices, cost.num_probed)


def duration(hours: float) -> str:
    """In seconds, minutes or hours, whichever is short to read."""
    if hours * 3600 < 100:
        return f"{hours * 3600:.0f} s"
    return f"{hours * 60:.0f} min" if hours < 2 else f"{hours:.1f} h"


def _plain(work: Work, price: Price) -> dict[str, Any]:
    return {
        "experts": list(work.experts),
        "videos": work.num_videos,
        "hours": work.hours,
        "seconds": price.seconds,
        "bytes": price.num_bytes,
        "devices": price.num_devices,
        "judged_by": price.num_probed,
    }
