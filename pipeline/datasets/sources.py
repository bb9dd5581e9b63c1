"""Where a known dataset can be had: the blocks of configs/datasets/<name>.yaml that say so."""

from dataclasses import dataclass
from pathlib import Path

from pipeline import config


@dataclass(frozen=True)
class AnnotationFiles:
    """Captions and splits as the dataset's owners distribute them."""

    __pydantic_config__ = config.STRICT
    format: str
    """Module in pipeline/datasets/readers/."""
    folder: str
    variant: str
    """Which of the splits in use; see the reader."""


@dataclass(frozen=True)
class SplitCounts:
    """What a split is known to hold; several numbers where files of several origins differ."""

    __pydantic_config__ = config.STRICT
    videos: tuple[int, ...]
    captions: tuple[int, ...] = ()
    """Before they are fused; empty where it is not known."""


@dataclass(frozen=True)
class Part:
    """One thing that the dataset is made of."""

    __pydantic_config__ = config.STRICT
    what: str
    """In words, e.g. "10000 clips as .mp4"."""
    into: str
    """Folder that it belongs into."""
    where: str
    """Address of the file when it is public, else of the page that tells how to get it."""
    licence: str
    size: str
    """In words, e.g. "6.1 GB"."""
    public: bool = False
    """Whether FetchAnnotations may get it."""
    sha256: str = ""
    members: tuple[str, ...] = ()
    """For a .zip or a .tar.gz: the files in it that are wanted, by their names without folders."""


@dataclass(frozen=True)
class Archive:
    """A released archive of features."""

    __pydantic_config__ = config.STRICT
    release: str
    urls: tuple[str, ...]
    """In the order in which they are tried."""
    size: str
    sha1: tuple[str, ...] = ()
    """Any of these; 8 or more of the 40 digits, for some are known in part only."""
    experts: tuple[str, ...] = ()
    """What is in it, by the names of the paper's configs."""
    lacks: str = ""
    """What one may look for in vain, and where it is."""

    def __post_init__(self) -> None:
        if any(len(digits) < 8 for digits in self.sha1):
            raise ValueError(f"released archive {self.release}: a sha1 needs at least 8 digits")


@dataclass(frozen=True)
class Released:
    """Features of the dataset that others extracted and published."""

    __pydantic_config__ = config.STRICT
    collection: str
    """Rows of imported features are named by this and the video; the datasets that share the videos share it."""
    model: str
    """The model in configs/models/ that is trained when the features are there and no videos are."""
    lists: dict[str, str]
    """Split -> file in the archive that lists its videos."""
    archives: tuple[Archive, ...]
    test_captions: str = "all"
    """all; first: only the first of each test video; or the file in the archive that gives an index for each."""

    def folder(self, annotations: AnnotationFiles) -> Path:
        """Where ImportExperts puts captions and lists of the archive."""
        return Path(annotations.folder) / "released"
