"""What the tools of an assistant return: small, typed, and without any path. Seconds are from the start of a video."""

from pydantic import BaseModel, ConfigDict


class Told(BaseModel):
    """An answer, whose fields are described in the schema of its tool."""

    model_config = ConfigDict(use_attribute_docstrings=True, frozen=True)


class Moment(Told):
    """Where in a video something matches, and what says so."""

    start_s: float
    end_s: float
    """The same as start_s where only a point is known."""
    what: str
    """What matches there: the word that is said or written, the label that is seen, or how an expert finds it."""
    expert: str
    """The expert that found it."""


class Hit(Told):
    """A video that was found, with its best moment."""

    video: str
    """Its name, which the other tools take."""
    duration_s: float
    best: Moment
    """The moment to look at first."""
    reasons: tuple[str, ...]
    """Why it was found, the strongest first."""


class Hits(Told):
    """The videos that fit best."""

    hits: tuple[Hit, ...]
    """The best first; empty when nothing is a good match."""
    num_found: int
    """How many videos fit in all."""
    note: str = ""
    """Why there is no hit, or which part of the search could not take part."""


class Moments(Told):
    """Where one video matches."""

    video: str
    duration_s: float
    moments: tuple[Moment, ...]
    """In order of time; empty when nothing in the video is a good match."""
    note: str = ""
    """Why there is none, or how many were left out."""


class Expert(Told):
    """A part of the collection's search that looks at or listens to videos in one way."""

    name: str
    modality: str
    """What it goes by: rgb, scene, flow, face, audio, ocr (written words), speech (spoken words) ..."""
    num_videos: int
    """In how many videos it found something."""


class CollectionFacts(Told):
    """What there is to search in."""

    dataset: str
    num_videos: int
    longest_s: float
    """Duration of the longest video."""
    is_trained: bool
    """Whether whole sentences can be searched by a trained model; words and labels are searched anyway."""
    experts: tuple[Expert, ...]
    labels: tuple[str, ...]
    """What is seen or heard in the most videos, by the names that classifiers have for it; some of them."""
    examples: tuple[str, ...]
    """Queries to begin with."""
