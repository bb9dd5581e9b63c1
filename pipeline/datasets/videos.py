"""The videos of a manifest: all of them as objects, or packed in columns of which objects are made when asked for."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import Any, overload

from pipeline.datasets.video import Video
from pipeline.stores.fingerprint import fingerprint_of_long


class Videos(Sequence[Video]):
    """The videos of a manifest, in its order.

    Those of a large dataset are made anew whenever they are asked for: compare them with ==, not with `is`, and ask for
    a column where one is enough.
    """

    @abstractmethod
    def column(self, name: str) -> list[Any]:
        """One attribute of all videos."""

    @abstractmethod
    def of_split(self, split: str) -> Iterator[Video]:
        """The captioned videos of a split."""

    @abstractmethod
    def groups(self) -> Iterator[Sequence[Video]]:
        """All videos, a group at a time."""

    @cached_property
    def ids(self) -> list[str]:
        """The id of each video; kept, 90 bytes each."""
        return self.column("video_id")

    @cached_property
    def contents(self) -> list[str]:
        """The content hash of each video; kept, 90 bytes each."""
        return self.column("content")

    @property
    def splits(self) -> list[str]:
        """The split of each video."""
        return self.column("split")

    @property
    def durations_s(self) -> list[float]:
        """The duration of each video."""
        return self.column("duration_s")

    @cached_property
    def of_files(self) -> str:
        """Fingerprint of what is known of the files beside their content, which alone names a manifest."""
        columns = self.ids, self.durations_s, self.column("has_video"), self.column("problem")
        return fingerprint_of_long({}, "files", zip(*columns, strict=True))

    def texts(self) -> Iterator[str]:
        """The text of each caption, in manifest order."""
        return (caption.text for video in self for caption in video.captions)

    def __iter__(self) -> Iterator[Video]:
        return chain.from_iterable(self.groups())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Videos):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]


class Listed(Videos):
    """Videos as objects."""

    def __init__(self, videos: Iterable[Video]) -> None:
        self._videos = tuple(videos)

    def __len__(self) -> int:
        return len(self._videos)

    @overload
    def __getitem__(self, at: int) -> Video: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Video]: ...
    def __getitem__(self, at: int | slice) -> Video | Sequence[Video]:
        return self._videos[at]

    def column(self, name: str) -> list[Any]:
        """One attribute of all videos."""
        return [getattr(video, name) for video in self._videos]

    def of_split(self, split: str) -> Iterator[Video]:
        """The captioned videos of a split."""
        return (video for video in self._videos if video.split == split and video.captions)

    def groups(self) -> Iterator[Sequence[Video]]:
        """All videos, in one group."""
        return iter([self._videos])
