"""The answer to a query, as dataclasses that convert to JSON or a table."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline.remote_files.files import place_of
from search.engines.fulltext import Word
from search.engines.labels import Seen
from search.engines.peaks import Moment

CE, WORDS, LABELS, LABEL_WORDS, FRAMES, SIMILAR = "ce", "words", "labels", "label_words", "frames", "similar"
"""Names of the engines: trained experts; words in the videos; labels of classifiers that have the query's words, or are
like the query; frames against a text tower; similarity to a video."""
EXAMPLE, PEOPLE = "example", "people"
"""Names of the engines that compare an example (picture, sound, clip, moment) with videos; that find named people."""


@dataclass(frozen=True)
class Found:
    """Rank and score of a video by one engine."""

    rank: int
    """Rank, from 1."""
    score: float
    """ce, similar, frames, late_interaction: -1..1, the latter two of several experts in deviations; label_words: 0..1;
    words: bm25; labels: sum of probabilities. Not comparable."""


@dataclass(frozen=True)
class Hit:
    """A video that was found."""

    key: str
    """Key of the video in addresses."""
    video_id: str
    path: Path
    playable: bool
    duration_s: float
    score: float
    """Score of the fusion; only its order has a meaning."""
    best_s: float
    """Second to start playing at."""
    found_by: dict[str, Found]
    """Engine -> rank and score."""
    shares: dict[str, float | None]
    """Expert -> its contribution to the similarity; None where the video lacks it. Empty without a trained model."""
    words: tuple[Word, ...]
    """Words of the query that were recognised in the video: of each expert and word the first 60 places."""
    captions: tuple[str, ...]
    seen: tuple[Seen, ...] = ()
    """Labels of the video that match the query, best first."""
    moments: tuple[Moment, ...] = ()
    """Where the video matches and what says so, by expert and time; of each engine and expert a few, the best ones."""
    file: str = ""
    """Path of the file below the folder of the videos: the id, but for a clip."""
    start_s: float = 0.0
    """Where it begins in its file, 0 but for a clip; all other times of the hit count from there."""
    end_s: float = 0.0
    """Where it ends in its file."""

    @property
    def similarity(self) -> float | None:
        """Similarity by the trained experts, -1..1: the sum of the shares; None without a model or without features."""
        given = [share for share in self.shares.values() if share is not None]
        return sum(given) if given else None


@dataclass(frozen=True)
class Answer:
    """The hits of a query, best first."""

    query: str
    hits: tuple[Hit, ...]
    reason: str = ""
    """Why there is no hit."""
    notes: tuple[str, ...] = ()
    """Engines that took no part, and why."""
    offset: int = 0
    """Number of hits that are before these."""
    num_found: int = 0
    """Number of videos that pass the filters and are good enough for any engine."""
    num_ranked: int = 0
    """How many of them, the best ones, can be seen page by page."""
    is_counted: bool = True
    """Whether `num_found` is exact; otherwise there are at least so many, as an engine stopped at a number."""
    engine_weights: Mapping[str, float] = field(default_factory=dict)
    """Engine that found anything -> how much it counts in the order of the hits."""
    is_by_query: bool = False
    """Whether a selector read these weights from what the engines found; else they are those of search.yaml."""

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)

    def rows(self) -> list[dict[str, Any]]:
        """One flat row for each hit, for a table."""
        return [
            {
                "rank": rank,
                "video": hit.video_id,
                "score": hit.score,
                "best_s": hit.best_s,
                "path": place_of(hit.path),
                "start_s": hit.start_s,
                "end_s": hit.end_s,
                "words": " ".join(dict.fromkeys(word.text for word in hit.words)),
                "seen": "; ".join(f"{one.short} {one.score:.2f} at {one.start_s:.1f} s" for one in hit.seen),
                **{f"found_by_{engine}": found.rank for engine, found in hit.found_by.items()},
                **{f"share_{expert}": share for expert, share in hit.shares.items()},
            }
            for rank, hit in enumerate(self.hits, 1)
        ]

    def to_pandas(self) -> Any:
        """`rows` as a DataFrame; raises ModuleNotFoundError without the package pandas."""
        try:
            import pandas
        except ModuleNotFoundError:
            raise ModuleNotFoundError("to_pandas() needs the package pandas: pip install pandas") from None
        return pandas.DataFrame(self.rows())

    def to_json(self) -> dict[str, Any]:
        """The answer as plain JSON, without the paths."""
        plain = asdict(self)
        for hit in plain["hits"]:
            del hit["path"]
        return plain
