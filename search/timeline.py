"""The time line of a hit: where each engine and expert finds what was asked for, from what the engines know already."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from search.config import SearchConfig
from search.engines.experts import Experts
from search.engines.fulltext import Word
from search.engines.label_words import LabelSearch
from search.engines.labels import Seen
from search.engines.peaks import Moment, Peak
from search.results import CE, EXAMPLE, FRAMES, LABEL_WORDS, LABELS, PEOPLE, SIMILAR, WORDS
from search.sought import Sought

MOST_WORDS = 60
"""Words of one video, the first ones."""
MOST_FACES = 20
"""Faces of the people that were asked for, the most telling ones."""


@dataclass(frozen=True)
class TimeLine:
    """The engines of a collection that know when."""

    experts: Experts | None
    label_words: LabelSearch | None
    settings: SearchConfig

    def of(
        self,
        sought: Sought,
        row: int,
        duration_s: float,
        found: Sequence[str],
        words: Sequence[Word],
        seen: Sequence[Seen],
    ) -> tuple[Moment, ...]:
        """The moments of the video at `row`, by the engines that found it; sorted by expert and time."""
        moments = [Moment(WORDS, one.expert, one.start_s, one.end_s, None, one.text) for one in words[:MOST_WORDS]]
        if LABELS in found:
            moments += [moment for one in seen for moment in self._labels(one, row, duration_s)]
        if LABEL_WORDS in found and sought.label_words is not None:
            told = sought.label_words.moments_of(row, duration_s)
            moments += [_moment(LABEL_WORDS, expert, peak, duration_s, label) for expert, label, peak in told]
        if FRAMES in found and sought.frames is not None:
            peaks = sought.frames.moments_of(row, duration_s)
            moments += [_moment(FRAMES, sought.frames.expert_of(row), peak, duration_s) for peak in peaks]
        faces = sought.faces.get(row, ())[:MOST_FACES] if PEOPLE in found else ()
        moments += [Moment(PEOPLE, one.expert, one.start_s, one.end_s, None, one.name) for one in faces]
        if EXAMPLE in found and sought.example is not None:
            moments += sought.example.moments(row, duration_s, EXAMPLE)
        moments += self._experts(sought, row, duration_s, found)
        return tuple(sorted(moments, key=lambda one: (one.expert, one.start_s, one.engine, one.text)))

    def _labels(self, seen: Seen, row: int, duration_s: float) -> Iterator[Moment]:
        """All intervals with the label where the index knows them, or else the best second of it."""
        classifiers = self.label_words.classifiers if self.label_words else ()
        of_expert = [one for one in classifiers if one.expert == seen.expert]
        floor = self.settings.floors.labels
        peaks = [peak for one in of_expert for peak in one.moments_of(seen.label, row, duration_s, floor)]
        if peaks:
            yield from (_moment(LABELS, seen.expert, peak, duration_s, seen.short) for peak in peaks)
        else:
            yield Moment(LABELS, seen.expert, seen.start_s, seen.start_s, seen.score, seen.short)

    def _experts(self, sought: Sought, row: int, duration_s: float, found: Sequence[str]) -> Iterator[Moment]:
        engine = next((name for name in (CE, SIMILAR) if name in found), None)
        if engine is not None and self.experts is not None and sought.embedded is not None:
            by_expert = self.experts.moments_of(sought.embedded, row, self.settings.index.moment_s)
            for expert, peaks in by_expert.items():
                yield from (_moment(engine, expert, peak, duration_s) for peak in peaks)


def _moment(engine: str, expert: str, peak: Peak, duration_s: float, text: str = "") -> Moment:
    # Streams of a file may end at different times; a time line has one end.
    end_s = max(peak.start_s, min(peak.end_s, duration_s))
    return Moment(engine, expert, peak.start_s, end_s, peak.score, text)
