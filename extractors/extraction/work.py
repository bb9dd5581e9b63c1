"""The work of a pass: which videos for which experts, how it is done, and what the decode workers return."""

import dataclasses
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from extractors.base import Extractor
from extractors.extraction.segments import Prepared
from extractors.networks.base import NetworkExtractor
from extractors.registry import NamedExpert
from extractors.shown.needs import AudioNeed, FrameNeed, NameNeed, SubtitleNeed
from pipeline.datasets.manifest import Video
from pipeline.running.worker_pool import num_workers
from pipeline.stores.keys import contained

Todo = tuple[Path, Video, tuple[NamedExpert, ...]]
"""A file, its entry in the manifest, and the experts that lack its features."""


@dataclass(frozen=True)
class PassOptions:
    """Settings of a pass that affect speed, and what a kill costs; none of them changes a feature."""

    workers: int
    """Decode workers."""
    deadline_s: float
    """Timeout for decoding one segment of one video."""
    videos_per_part: int
    device: str
    """cpu or cuda:<n>"""
    seconds_per_part: float = 60.0
    """Videos that are whole wait no longer than this to be published."""
    megabytes_per_part: float = 256.0
    """Nor do they take more memory than this."""


@dataclass(frozen=True)
class Wanted:
    """One expert of a pass: the store to fill, and the videos that are missing there."""

    expert: NamedExpert
    folder: Path
    """Folder of the store."""
    keys: Set[str]
    """Content hashes of the missing videos."""


SOUND_OF_WORKER_S = 120.0
"""Seconds of sound that take a worker about as long as its start."""


CLIPS_OF_WORKER_S = 60.0
"""Seconds of video, over the number of cores, whose clips a worker has before a network on all of them has seen them:
I3D takes 18 CPU s a minute, and a worker 3 to 11 of frames up to 1080p."""


def enough_workers(wanted: Sequence[Wanted], total_s: float, options: PassOptions) -> PassOptions:
    """The options with so many decode workers that each is worth its start, at most those that they have.

    For `total_s` of sound and words, or of clips that a CPU takes longer to look at than to decode, that may be fewer.
    """
    extractors = [item.expert.extractor for item in wanted]
    cheap = AudioNeed, SubtitleNeed, NameNeed
    if all(isinstance(extractor.need, cheap) for extractor in extractors):
        worker_s = SOUND_OF_WORKER_S
    elif options.device == "cpu" and any(map(_sees_clips, extractors)):
        worker_s = CLIPS_OF_WORKER_S / num_workers(0)
    else:
        return options
    return dataclasses.replace(options, workers=min(options.workers, max(1, int(total_s / worker_s))))


def _sees_clips(extractor: Extractor) -> bool:
    """Whether a network sees several frames at once, as I3D does, which takes a CPU longer than to decode them."""
    needs = extractor.need
    return isinstance(extractor, NetworkExtractor) and isinstance(needs, FrameNeed) and needs.window > 1


def without_networks(wanted: Wanted) -> Wanted:
    """The same with an extractor whose networks are not loaded, to be sent to a process, which loads its own."""
    extractor = wanted.expert.extractor
    unloaded = type(extractor)(extractor.params, extractor.source)
    unloaded.label_settings, unloaded.runtime = extractor.label_settings, extractor.runtime
    return dataclasses.replace(wanted, expert=dataclasses.replace(wanted.expert, extractor=unloaded))


def lacking(wanted: Sequence[Wanted], videos: Sequence[tuple[Path, Video]]) -> Iterator[Todo]:
    """The videos that at least one expert lacks, with these experts; videos of equal content once.

    `videos` are (file, video) of the whole manifest, of which some are held at once.
    """
    seen: set[str] = set()
    for first in range(0, len(videos), BLOCK):
        block = videos[first : first + BLOCK]
        contents = [video.content for _, video in block]
        wanting = zip(*(contained(item.keys, contents) for item in wanted), strict=True)
        for (path, video), wants in zip(block, wanting, strict=False):
            if any(wants) and video.content not in seen:
                seen.add(video.content)
                yield (
                    path,
                    video,
                    tuple(item.expert for item, is_wanted in zip(wanted, wants, strict=True) if is_wanted),
                )


BLOCK = 4096
"""Videos that are looked up at once."""


@dataclass(frozen=True)
class SegmentResult:
    """What the decode workers returned for one segment of a video."""

    key: str
    """Content hash of the video."""
    experts: tuple[str, ...]
    """Names of the experts that lack the video."""
    index: int
    """Of the segment."""
    num_segments: int
    prepared: dict[str, Prepared] | None
    """Expert -> its items; None if the segment could not be decoded at all."""
    reason: str
    """Why it could not be decoded."""
    video_s: float = 0.0
    """Length of the segment."""
    spoiled: str = ""
    """Why nothing that was seen of the whole video may be kept; known with its last segment."""

    @property
    def is_last(self) -> bool:
        """Whether it is the last segment of its video."""
        return self.index == self.num_segments - 1

    def of(self, expert: str) -> Prepared:
        """The items of one expert."""
        return Prepared.nothing(self.reason, failed=True) if self.prepared is None else self.prepared[expert]
