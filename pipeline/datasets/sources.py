"""Config blocks of configs/datasets/<name>.yaml that say where a known dataset comes from."""

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
    """Which of the published splits; see VARIANTS of the reader."""
    clips: bool = False
    """The videos are whole ones, of which the annotations name pieces by their seconds: each piece is a row."""


@dataclass(frozen=True)
class SplitCounts:
    """The known numbers of videos and captions in a split; several numbers where published files differ."""

    __pydantic_config__ = config.STRICT
    videos: tuple[int, ...]
    captions: tuple[int, ...] = ()
    """Before captions are fused; empty when unknown."""


@dataclass(frozen=True)
class Part:
    """One component of a dataset, e.g. its videos or an annotation file."""

    __pydantic_config__ = config.STRICT
    what: str
    """Description, e.g. "10000 clips as .mp4"."""
    into: str
    """Folder to put it in."""
    where: str
    """URL of the file when it is public, otherwise of the page that tells how to get it."""
    licence: str
    size: str
    """As text, e.g. "6.1 GB"."""
    public: bool = False
    """Whether FetchAnnotations may download it."""
    sha256: str = ""
    """Empty when unknown."""
    members: tuple[str, ...] = ()
    """For a .zip or .tar.gz: names of the wanted files in it, without folders."""


@dataclass(frozen=True)
class Archive:
    """A released archive of features."""

    __pydantic_config__ = config.STRICT
    release: str
    urls: tuple[str, ...]
    """Tried in this order."""
    size: str
    sha1: tuple[str, ...] = ()
    """Accepted checksums; 8 or more of the 40 digits, since some are published only in part."""
    experts: tuple[str, ...] = ()
    """The experts in it, by the names in the paper's configs."""
    lacks: str = ""
    """What one might expect in it and where that is instead."""

    def __post_init__(self) -> None:
        if any(len(digits) < 8 for digits in self.sha1):
            raise ValueError(f"released archive {self.release}: a sha1 needs at least 8 digits")


@dataclass(frozen=True)
class Released:
    """Features of the dataset that others extracted and published."""

    __pydantic_config__ = config.STRICT
    collection: str
    """Keys of imported rows are made of this and the video's name; datasets that share videos share it."""
    model: str
    """The model in configs/models/ that is trained when there are features but no videos."""
    lists: dict[str, str]
    """Split -> name of the file in the archive that lists its videos."""
    archives: tuple[Archive, ...]
    test_captions: str = "all"
    """"all", "first" (of each test video), or the file in the archive with a caption index for each test video."""

    def folder(self, annotations: AnnotationFiles) -> Path:
        """Folder in which ImportExperts puts the captions and lists of the archive."""
        return Path(annotations.folder) / "released"
