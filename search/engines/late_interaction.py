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
from search.index.growing_array import GrowingArray
from search.index.vectors import TINY, Floats

FOLDER = "late_interaction"
"""In an index: by expert its vectors, and which video has which."""
BLOCK_VIDEOS = 1024


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
        vectors = [self._vectors[self._offsets[row] : self._offsets[row + 1]].astype(np.float32) for row in rows]
        dim = tokens.shape[1]
        return np.asarray(maxsim(Ragged.stack([tokens], dim), Ragged.stack(vectors, dim))[0], np.float32)

    @cached_property
    def _vectors(self) -> NDArray[np.float16]:
        vectors: NDArray[np.float16] = np.load(self.folder / FOLDER / f"{self.expert}.npy", mmap_mode="r")
        return vectors

    @cached_property
    def _offsets(self) -> NDArray[np.int64]:
        offsets: NDArray[np.int64] = np.load(self.folder / FOLDER / f"{self.expert}.offsets.npy")
        return offsets


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


def save(folder: Path, expert: str, store: Reader, dim: int, keys: Sequence[str]) -> None:
    """Writes the few vectors of V videos, the rows `keys` of a store, into the index at `folder`."""
    (folder / FOLDER).mkdir(exist_ok=True)
    counts = [np.zeros(1, np.int64)]
    with GrowingArray(folder / FOLDER / f"{expert}.npy", (dim,), np.float16) as vectors:
        for start in range(0, len(keys), BLOCK_VIDEOS):
            few = few_vectors(store.values(keys[start : start + BLOCK_VIDEOS], dim))
            vectors.append(few.values)
            counts.append(few.counts)
    np.save(folder / FOLDER / f"{expert}.offsets.npy", np.cumsum(np.concatenate(counts)))
