"""Describes hits: the videos at the top of the fused rankings, with what each engine knows of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from search.config import LATE_INTERACTION, Fusion, SearchConfig
from search.engines import fulltext
from search.engines.experts import Experts
from search.engines.fulltext import FullText, Place
from search.engines.fusion import CANDIDATES, Ranking, fuse
from search.engines.label_words import LabelSearch
from search.engines.labels import Labels, Seen
from search.index.video_path import path_of
from search.index.videos import Entry, Videos
from search.results import FRAMES, LABEL_WORDS, LABELS, PEOPLE, Found, Hit
from search.sought import Sought
from search.timeline import TimeLine


@dataclass(frozen=True)
class Describer:
    """What is known of the videos of a collection."""

    root: Path
    """Folder of the videos."""
    videos: Videos
    words: FullText
    labels: Labels | None
    experts: Experts | None
    label_words: LabelSearch | None
    settings: SearchConfig

    def page(self, sought: Sought, rankings: Mapping[str, Ranking], fusion: Fusion) -> tuple[tuple[Hit, ...], int]:
        """The hits of the page that is wanted, best first, and how many hits all pages have; at most CANDIDATES."""
        totals = dict(islice(fuse(rankings, fusion).items(), CANDIDATES))
        first = sought.options.offset
        wanted = list(totals)[first : first + sought.options.k]
        ranks = {engine: ranking.ranks for engine, ranking in rankings.items()}
        hits = []
        for row, entry in zip(wanted, self.videos.some(wanted), strict=True):
            found = {
                engine: Found(ranks[engine][row], ranking.scores[row])
                for engine, ranking in rankings.items()
                if row in ranking.scores
            }
            hits.append(self._hit(sought, row, entry, totals[row], found))
        return tuple(hits), len(totals)

    def _hit(self, sought: Sought, row: int, entry: Entry, score: float, found: dict[str, Found]) -> Hit:
        weights = sought.options.weights
        words = self.words.places(sought.text, row, weights) if row in sought.matches else []
        seen, example, shown = self._seen(sought, row), sought.example, fulltext.words_at(fulltext.first_of_each(words))
        return Hit(
            key=entry.key,
            video_id=entry.video_id,
            path=path_of(self.root, entry.file),
            playable=entry.playable,
            duration_s=entry.duration_s,
            score=score,
            best_s=example.best_second(row) if example else self.best_second(row, words, seen, found, sought),
            found_by=found,
            shares=self._shares(sought, row),
            words=shown,
            captions=entry.captions,
            seen=seen,
            moments=self._timeline.of(sought, row, entry.duration_s, tuple(found), shown, seen),
            file=entry.file,
            start_s=entry.start_s,
            end_s=entry.end_s,
        )

    @property
    def _timeline(self) -> TimeLine:
        return TimeLine(self.experts, self.label_words, self.settings)

    def _seen(self, sought: Sought, row: int) -> tuple[Seen, ...]:
        """The labels of the video that match the query, best first: those with its words, then those like it."""
        has_words, told = self.labels is not None and row in sought.labels, sought.label_words
        matched = self.labels.matched(sought.text, row, sought.options.weights) if self.labels and has_words else ()
        alike = told.seen(row) if told and row in told.ranking.scores else ()
        known = {(seen.label, seen.expert) for seen in matched}
        return matched + tuple(seen for seen in alike if (seen.label, seen.expert) not in known)

    def _shares(self, sought: Sought, row: int) -> dict[str, float | None]:
        """Expert -> what it adds to the likeness with the example, or else to the similarity."""
        if sought.example is not None:
            return sought.example.shares(row)
        return self.experts.videos.shares(sought.embedded, row) if self.experts and sought.embedded else {}

    def best_second(
        self,
        row: int,
        words: Sequence[Place],
        seen: tuple[Seen, ...],
        found: Mapping[str, Found],
        sought: Sought,
    ) -> float:
        """Start of the matched words; or else by the engine that ranks the video best: a label, frame or moment."""
        if words:
            return fulltext.best_second(words)
        knowing = [name for name in found if name != LATE_INTERACTION] or list(found)  # the others know when
        engine = min(knowing, key=lambda name: found[name].rank)
        if engine == PEOPLE and row in sought.faces:
            return sought.faces[row][0].start_s
        if engine == LABELS and seen:
            return seen[0].start_s
        if engine == FRAMES and sought.frames is not None:
            return sought.frames.best_second(row)
        if engine == LABEL_WORDS and sought.label_words is not None:
            return sought.label_words.best_second(row)
        return self.experts.best_second(sought.embedded, row) if self.experts and sought.embedded else 0.0
