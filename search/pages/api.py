"""The responses of the JSON API, as its OpenAPI page describes them."""

from dataclasses import dataclass

from search import filters
from search.collection import Collection
from search.engines.fulltext import Word
from search.engines.labels import Seen
from search.engines.peaks import Moment
from search.index.videos import Entry
from search.results import Answer, Found, Hit

MOST_LABELS = 200
OF_WORDS = {"ocr", "speech", "captions"}
"""Modalities whose words are searched without training."""


@dataclass(frozen=True)
class ExpertFacts:
    """An expert of the collection."""

    name: str
    modality: str
    num_videos: int
    """In how many videos it saw something."""
    weighable: bool
    """Whether a weight for it changes an answer."""


@dataclass(frozen=True)
class CollectionFacts:
    """What there is to search in."""

    dataset: str
    num_videos: int
    trained: bool
    """Whether trained experts take part; otherwise only words are searched."""
    longest_s: float
    experts: tuple[ExpertFacts, ...]
    examples: tuple[str, ...]
    """Queries to begin with: captions of videos that the model was not trained on."""
    second_stages: tuple[str, ...]
    """What a request may name as second_stage; first what holds where it names none."""


@dataclass(frozen=True)
class VideoFacts(Entry):
    """One video."""

    words: tuple[Word, ...] = ()
    """All that can be read or heard."""
    seen: tuple[Seen, ...] = ()
    """All labels of classifiers, the most probable first."""


@dataclass(frozen=True)
class LabelFacts:
    """A label that classifiers gave to videos of the collection."""

    label: str
    num_videos: int
    """In how many videos it is seen."""


@dataclass(frozen=True)
class FoundVideo:
    """A video that was found."""

    key: str
    """Names it in /api/videos/KEY, /api/similar/KEY, /media/KEY and /posters/KEY."""
    video_id: str
    playable: bool
    duration_s: float
    score: float
    """Of the fusion; higher is better, and that is all it means."""
    similarity: float | None
    """Of the trained experts, -1..1: the sum of the shares."""
    best_s: float
    """Second to start playing at."""
    found_by: dict[str, Found]
    """ce: trained experts; words: read or heard; labels, label_words: of classifiers; similar: likeness of a video;
    frames: by text towers; late_interaction: by the tokens of the query, of the best alone."""
    shares: dict[str, float | None]
    """Expert -> what it adds to the similarity; null where the video lacks it."""
    words: tuple[Word, ...]
    """Words of the query that were read or heard in it: of each expert and word the first 60 places."""
    captions: tuple[str, ...]
    seen: tuple[Seen, ...]
    """Labels of the video that match the query, best first."""
    moments: tuple[Moment, ...]
    """Where the video matches and what says so, by expert and time; of each engine and expert a few, the best ones."""
    file: str = ""
    """Path of the file below the folder of the videos: the id, but for a clip."""
    start_s: float = 0.0
    """Where it begins in its file, 0 but for a clip; all other times count from there."""
    end_s: float = 0.0
    """Where it ends in its file, which may go on."""


@dataclass(frozen=True)
class FoundVideos:
    """The answer to a query."""

    query: str
    hits: tuple[FoundVideo, ...]
    reason: str
    """Why there is no hit."""
    notes: tuple[str, ...]
    offset: int
    """Number of hits that are before these."""
    num_found: int
    """How many videos fit in all: they pass the filters and are good enough for any engine."""
    num_ranked: int
    """How many of them, the best ones, can be had page by page."""
    is_counted: bool
    """Whether num_found is exact; otherwise there are at least so many."""
    engine_weights: dict[str, float]
    """Engine that found anything -> how much it counts in the order of the hits."""
    is_by_query: bool
    """Whether these weights were read from what the engines found for this query; else they are fixed."""


def collection_facts(collection: Collection) -> CollectionFacts:
    """The facts of the collection that the page needs before the first query."""
    facts, trained = collection.facts, collection.experts is not None
    experts = []
    for name, modality in facts.modalities.items():
        weighable = trained or modality in OF_WORDS or name in facts.towers or name in facts.labelled
        experts.append(ExpertFacts(name, modality, facts.seen[name], weighable))
    return CollectionFacts(
        dataset=facts.dataset,
        num_videos=facts.num_videos,
        trained=trained,
        longest_s=facts.longest_s,
        experts=tuple(experts),
        examples=facts.examples,
        second_stages=tuple(filters.second_stages(collection.settings, facts)),
    )


def video_facts(collection: Collection, key: str) -> VideoFacts:
    """Everything known of one video."""
    row = collection.row(key)
    entry, words = collection.videos[row], collection.words.words_of(row)
    return VideoFacts(**vars(entry), words=words, seen=collection.labels.seen_in(row) if collection.labels else ())


def label_facts(collection: Collection) -> list[LabelFacts]:
    """At most MOST_LABELS labels, those of the most videos first."""
    counts = collection.labels.counts(MOST_LABELS) if collection.labels else ()
    return [LabelFacts(label, num_videos) for label, num_videos in counts]


def found_videos(answer: Answer) -> FoundVideos:
    """The answer without the paths of files on this machine."""
    plain = {name: value for name, value in vars(answer).items() if name != "hits"}
    return FoundVideos(hits=tuple(_found(hit) for hit in answer), **plain)


def _found(hit: Hit) -> FoundVideo:
    plain = {name: value for name, value in vars(hit).items() if name != "path"}
    return FoundVideo(similarity=hit.similarity, **plain)
