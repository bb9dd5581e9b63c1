"""The second stage of a search: what the engines found at the top, put in order by the tokens of the query.

Each token looks for the nearest of at most 32 vectors of a video, by experts that a text can be compared with: see
models/zero_shot/late_interaction.py. It finds nothing by itself: it is one engine more in the fusion of the best.

V videos, N vectors in all, W tokens, D feature.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.zero_shot.few_vectors import few_vectors
from models.zero_shot.late_interaction import UNSEEN, maxsim
from pipeline.stores.parts import Reader
from pipeline.stores.ragged import Ragged
from search.config import LATE_INTERACTION
from search.engines import minus
from search.engines.fusion import Ranking, fuse
from search.engines.minus import SplitQuery
from search.engines.towers import Towered, loaded
from search.engines.weighing import Weighing
from search.index.earlier_rows import EarlierRows
from search.index.growing_array import GrowingArray
from search.index.vectors import TINY, Floats

FOLDER = "late_interaction"
"""In an index: by expert its vectors, and which video has which."""
BLOCK_VIDEOS = 1024


@dataclass(frozen=True)
class _Kept:
    """The vectors of one expert in an index, by its rows; read when they are needed."""

    vectors: NDArray[np.float16]
    offsets: NDArray[np.int64]
    """(V + 1,); video i has the vectors offsets[i] to offsets[i + 1] - 1."""

    @classmethod
    def open(cls, index: Path, expert: str) -> "_Kept":
        vectors, offsets = (index / name for name in files(expert))
        return cls(np.load(vectors, mmap_mode="r"), np.load(offsets))

    def __getitem__(self, row: int) -> Floats:
        return self.vectors[self.offsets[row] : self.offsets[row + 1]].astype(np.float32)


@dataclass(frozen=True)
class LateInteraction(Towered):
    """The few vectors of one expert, and the matching text encoder."""

    def query(self, text: str, unwanted: Sequence[str] = ()) -> Floats:
        """(W, D), the tokens of the text, of length 1, each less what is `unwanted`.

        PipelineError when the text tower cannot be loaded.
        """
        tower = self.encoders.facts.towers[self.expert]
        others = [self.encoders.encode(tower, one).mean(axis=0) for one in unwanted]
        return np.stack([minus.less(token, others) for token in self.encoders.encode_tokens(tower, text)])

    def scores(self, tokens: Floats, rows: Sequence[int]) -> Floats:
        """(n,) scores of the videos at `rows` for the tokens (W, D); UNSEEN for one without vectors."""
        dim = tokens.shape[1]
        vectors = Ragged.stack([self._kept[row] for row in rows], dim)
        return np.asarray(maxsim(Ragged.stack([tokens], dim), vectors)[0], np.float32)

    @cached_property
    def _kept(self) -> "_Kept":
        return _Kept.open(self.folder, self.expert)


def refine(
    experts: Sequence[LateInteraction],
    text: SplitQuery,
    rankings: Mapping[str, Ranking],
    first: Weighing,
    candidates: int,
    notes: list[str],
) -> tuple[dict[str, Ranking], Weighing]:
    """The rankings with one more, of the best `candidates` by the others, and the weights with one for it.

    Who is no candidate stays behind all that are. Without an expert that can be loaded all stays as it is. Appends to
    `notes` why an expert could not be loaded.
    """
    weights, rows = first.fusion.weights, list(islice(fuse(rankings, first.fusion), candidates))
    ranking = find(experts, text, rows, notes) if rows else None
    if ranking is None:
        return dict(rankings), first
    weights = {**weights, LATE_INTERACTION: weights.get(LATE_INTERACTION, 1.0)}
    return {**rankings, LATE_INTERACTION: ranking}, replace(first, fusion=replace(first.fusion, weights=weights))


def find(experts: Sequence[LateInteraction], text: SplitQuery, rows: Sequence[int], notes: list[str]) -> Ranking | None:
    """The videos at `rows`, best first, by the first expert of each modality that can be loaded; None without any.

    Several are compared by how many deviations a video is above the mean of these, as cosines of two networks are not
    alike; it counts by the expert by which it stands out most. A video of which none saw anything is left out.
    """
    found = [expert.scores(tokens, rows) for expert, tokens in loaded(experts, text, notes)]
    if not found:
        return None
    scores = np.where(found[0] > UNSEEN, found[0], -np.inf) if len(found) == 1 else np.max(list(map(_above, found)), 0)
    order = np.argsort(-scores, kind="stable")
    return Ranking({rows[at]: float(scores[at]) for at in order if scores[at] > -np.inf})


def _above(scores: Floats) -> Floats:
    """How many deviations each score is above their mean; -inf for UNSEEN."""
    seen = scores[scores > UNSEEN]
    if not len(seen):
        return np.full(len(scores), -np.inf, np.float32)
    return np.where(scores > UNSEEN, (scores - seen.mean()) / max(float(seen.std()), float(TINY)), -np.inf)


def files(expert: str) -> tuple[str, str]:
    """The files of an expert in an index, which `save` writes."""
    return f"{FOLDER}/{expert}.npy", f"{FOLDER}/{expert}.offsets.npy"


def save(
    folder: Path, expert: str, store: Reader, dim: int, keys: Sequence[str], earlier: EarlierRows | None = None
) -> None:
    """Writes the few vectors of V videos, the rows `keys` of a store, into the index at `folder`.

    Those that an `earlier` index has are taken from there: to find the centres of 60 rows takes 0.4 CPU ms.
    """
    (folder / FOLDER).mkdir(exist_ok=True)
    kept = _kept(earlier.index, expert) if earlier else None
    rows = earlier.rows if earlier and kept else np.full(len(keys), -1)
    counts = [np.zeros(1, np.int64)]
    with GrowingArray(folder / files(expert)[0], (dim,), np.float16) as vectors:
        for start in range(0, len(keys), BLOCK_VIDEOS):
            block, taken = keys[start : start + BLOCK_VIDEOS], rows[start : start + BLOCK_VIDEOS].tolist()
            lacking = [key for key, row in zip(block, taken, strict=True) if row < 0]
            new = few_vectors(store.values(lacking, dim))
            rest = iter(range(len(new)))
            few = Ragged.stack([kept[row] if kept and row >= 0 else new[next(rest)] for row in taken], dim)
            vectors.append(few.values)
            counts.append(few.counts)
    np.save(folder / files(expert)[1], np.cumsum(np.concatenate(counts)))


def _kept(index: Path, expert: str) -> "_Kept | None":
    """The vectors in an index; None where it was deleted meanwhile."""
    try:
        return _Kept.open(index, expert)
    except (OSError, ValueError):
        return None
