"""Answers the questions of an assistant from a collection. Videos are named by their ids; no path is ever taken."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Lock

from pipeline.errors import ConfigError, DecodeError, RemoteError
from search import results
from search.assistant.answers import CollectionFacts, Expert, Hit, Hits, Moment, Moments
from search.collection import Collection
from search.engines import peaks
from search.filters import Filter, Options
from search.pages.posters import poster
from search.results import CE, FRAMES, SIMILAR, Answer

MOST_MOMENTS = 30
"""Of one video; the first in time."""
MOST_REASONS = 5
MOST_LABELS = 40
LONGEST_TEXT = 200
"""Characters of a word, label or example: texts of files may be of any length."""
STILL_PX = 640
"""Width of a frame at most."""

SEEN_BY = {
    CE: "{expert} finds it like the query",
    SIMILAR: "{expert} finds it alike",
    FRAMES: "{expert} sees it in a frame",
}
"""Engine -> what is told of a moment for which it has no word."""
VERBS = {"ocr": "written", "speech": "said", "audio": "heard", "captions": "described"}
"""Modality -> how a word or label of it is there; of any other it is seen."""


@dataclass(frozen=True)
class Tools:
    """The tools of an assistant; each returns an answer or raises PipelineError with one line."""

    collection: Collection
    _one: Lock = field(default_factory=Lock)
    """Questions of several threads are answered one by one: the first ones would each load the networks."""

    def search(self, query: str, k: int, has: tuple[str, ...] = (), longest_s: float = float("inf")) -> Hits:
        """The `k` videos that fit a text best; `has`: modalities that must be there, `longest_s`: of a video."""
        only = Filter(frozenset(has), longest_s=longest_s)
        with self._one:
            return self._hits(self.collection.search(query, options=Options(k, only=only)))

    def similar(self, video: str, k: int) -> Hits:
        """The `k` videos most like one."""
        with self._one:
            return self._hits(self.collection.similar(video, k))

    def moments(self, video: str, query: str) -> Moments:
        """Where one video matches a text."""
        entry = self.collection.entry(video)
        with self._one:
            answer = self.collection.search(query, options=Options(1, only=Filter(video=entry.key)))
        told = [self._moment(moment) for hit in answer for moment in hit.moments]
        if answer.hits and not told:
            told = [self._best(answer.hits[0])]
        told = sorted(dict.fromkeys(told), key=lambda one: (one.start_s, one.end_s, one.expert, one.what))
        left_out = len(told) - MOST_MOMENTS
        note = (
            f"{left_out} later moments are left out."
            if left_out > 0
            else _note(answer).replace("this collection", "this video")
        )
        return Moments(
            video=entry.video_id, duration_s=_seconds(entry.duration_s), moments=tuple(told[:MOST_MOMENTS]), note=note
        )

    def frame(self, video: str, at_s: float) -> bytes:
        """A JPEG, at most STILL_PX wide, of what a video shows at a second; its last frame if it is shorter."""
        entry = self.collection.entry(video)
        path = self.collection.path(entry)
        if not entry.playable or not path.is_file():
            raise ConfigError(f"{entry.video_id}: there is no file of it on this machine")
        try:
            return poster(path, entry.start_s + min(at_s, entry.duration_s), STILL_PX)
        except (DecodeError, RemoteError) as error:
            raise ConfigError(f"{entry.video_id}: no picture of it can be shown") from error

    def describe(self) -> CollectionFacts:
        """What there is to search in."""
        facts, labels = self.collection.facts, self.collection.labels
        return CollectionFacts(
            dataset=facts.dataset,
            num_videos=facts.num_videos,
            longest_s=_seconds(facts.longest_s),
            is_trained=self.collection.experts is not None,
            experts=tuple(
                Expert(name=name, modality=modality, num_videos=facts.seen[name])
                for name, modality in facts.modalities.items()
            ),
            labels=tuple(_short(label) for label, _ in labels.counts(MOST_LABELS)) if labels else (),
            examples=tuple(_short(example) for example in facts.examples),
        )

    def _hits(self, answer: Answer) -> Hits:
        hits = tuple(
            Hit(
                video=hit.video_id,
                duration_s=_seconds(hit.duration_s),
                best=self._best(hit),
                reasons=tuple(dict.fromkeys(self._reasons(hit)))[:MOST_REASONS],
            )
            for hit in answer
        )
        return Hits(hits=hits, num_found=answer.num_found, note=_note(answer))

    def _best(self, hit: results.Hit) -> Moment:
        """The moment at the second to start playing at."""
        at_s = hit.best_s
        inside = [one for one in hit.moments if one.start_s <= at_s <= max(one.end_s, one.start_s)]
        if inside:
            # What is known by a word or label says more than that an expert finds it alike.
            return self._moment(min(inside, key=lambda one: (one.start_s != at_s, not one.text, one.end_s)))
        expert = max(hit.shares, key=lambda name: hit.shares[name] or 0.0, default="")
        return Moment(start_s=_seconds(at_s), end_s=_seconds(at_s), what="the best match", expert=expert)

    def _moment(self, moment: peaks.Moment) -> Moment:
        what = SEEN_BY.get(moment.engine, "{expert} finds it").format(expert=moment.expert)
        if moment.text:
            what = f'{self._verb(moment.expert)}: "{_short(moment.text)}"'
        return Moment(start_s=_seconds(moment.start_s), end_s=_seconds(moment.end_s), what=what, expert=moment.expert)

    def _reasons(self, hit: results.Hit) -> Iterator[str]:
        """Words and labels, then the experts that add most to the similarity."""
        for word in hit.words:
            yield f'{self._verb(word.expert)}: "{_short(word.text)}" at {_seconds(word.start_s)} s ({word.expert})'
        for seen in hit.seen:
            at = f"{seen.score:.2f} at {_seconds(seen.start_s)} s"
            yield f'{self._verb(seen.expert)}: "{_short(seen.short)}" {at} ({seen.expert})'
        given = {expert: share for expert, share in hit.shares.items() if share and share > 0}
        for expert in sorted(given, key=lambda name: -given[name]):
            yield f"{expert} adds {given[expert]:.3f} to the similarity of {hit.similarity or 0:.3f}"

    def _verb(self, expert: str) -> str:
        return VERBS.get(self.collection.facts.modalities.get(expert, ""), "seen")


def _note(answer: Answer) -> str:
    return " ".join(filter(None, (answer.reason, *answer.notes)))


def _seconds(value: float) -> float:
    return round(value, 2)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
