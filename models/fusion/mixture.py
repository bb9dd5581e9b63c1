"""A selector in the place of a trained network's mixture weights, fitted on the validation split.

The network's weights of the experts follow from the caption's text alone; these follow from the experts' score lists.
C captions, V videos, E experts.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.config import ModelConfig
from models.evaluation.bootstrap import compare
from models.evaluation.evaluate import CHUNK, embed_texts, embed_videos
from models.evaluation.metrics import Ranks
from models.evaluation.report_body import Selected
from models.evaluation.report_columns import SELECTED, T2V
from models.fusion.lists import Examples, Floats, Lists
from models.fusion.nested import Fitted, fit
from models.fusion.selector import Selector
from models.inputs.batches import Collection, Data
from models.inputs.load import Split
from models.networks.ce import CE, UNSEEN, Embeddings

VALIDATION = "val"
MOST_VIDEOS = 1000
"""Of the validation split, spread evenly, as the gallery on which a selector is fitted."""
MOST_CAPTIONS = 1000


@dataclass(frozen=True)
class Embedded:
    """The captions and videos of a split as a network embeds them."""

    texts: Embeddings
    videos: Embeddings

    @classmethod
    @torch.no_grad()
    def of(cls, model: CE, collection: Collection) -> "Embedded":
        """By a network in evaluation mode."""
        model.check_vector_per_expert("a selector")
        data = Data(collection, next(model.parameters()).device, model.settings.mask_padding)
        return cls(embed_texts(model, data), embed_videos(model, data))

    @cached_property
    def weighed(self) -> NDArray[np.bool_]:
        """(E,): the experts whose weights make up the mean; the shares of the others are added to it."""
        counted = self.videos.counted
        return np.ones(len(self.videos.vectors), np.bool_) if counted is None else counted.cpu().numpy() > 0

    def lists(self, rows: NDArray[np.int64]) -> Lists:
        """What each expert that is weighed says of the V videos for the captions at `rows`, and what the others add."""
        texts, scores = self.texts.take(torch.from_numpy(rows)), []
        for text, video in zip(texts.vectors, self.videos.vectors, strict=True):
            with torch.autocast(text.device.type, enabled=False):
                scores.append((text.float() @ video.float().T).cpu().numpy())
        has = self.videos.weights.T.cpu().numpy() > 0
        found = np.where(has, np.stack(scores, 1), np.float32(np.nan))
        chosen, added = found[:, self.weighed], None
        if not self.weighed.all():
            others = self._weights(rows)[:, ~self.weighed, None] * np.nan_to_num(found[:, ~self.weighed])
            added = np.where(has.any(0), others.sum(1), np.float32(np.nan))
        return Lists(chosen, chosen, len(self.videos), averaged=True, added=added)

    def base(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The network's own weights, for these captions, of the experts that are weighed."""
        return self._weights(rows)[:, self.weighed].astype(np.float64)

    def _weights(self, rows: NDArray[np.int64]) -> Floats:
        weights: Floats = self.texts.weights[torch.from_numpy(rows).to(self.texts.weights.device)].cpu().numpy()
        return weights


def fit_mixture(model: CE, validation: Collection) -> Fitted:
    """The selector of a network, from captions that it was not trained on."""
    owners = validation.caption_video
    kept = _spread(np.unique(owners), MOST_VIDEOS)
    rows = _spread(np.flatnonzero(np.isin(owners, kept)), MOST_CAPTIONS)
    embedded = Embedded.of(model, validation)
    embedded = replace(embedded, videos=embedded.videos.take(torch.from_numpy(kept)))
    right = np.searchsorted(kept, owners[rows])
    lists = embedded.lists(rows)
    known = ~lists.unknown[np.arange(len(rows)), right]
    return fit(Examples(lists, embedded.base(rows), np.where(known, right, -1), owners[rows]))


@dataclass(frozen=True)
class Selection:
    """The selectors of the seeds of a model."""

    validation: Collection | None
    """None: there is no selector."""
    found: dict[int, Fitted] = field(default_factory=dict)
    """Seed -> what was fitted for it."""

    @classmethod
    def of(cls, read: Callable[[str], Split], settings: ModelConfig, split: str) -> "Selection":
        """For a report on `split`; there is none where the model asks for none, or that is the split of the fitting.

        `read` reads a split as the model's networks take it.
        """
        is_on = settings.selector and split != VALIDATION
        return cls(read(VALIDATION).collection if is_on else None)

    def of_seed(self, seed: int) -> Selected | None:
        """Fits the selector of a seed, and gives the scores with its weights; without one, its own."""
        validation = self.validation
        if validation is None:
            return None

        def selected(model: CE, collection: Collection, own: Floats) -> Floats:
            fitted = self.found[seed] = fit_mixture(model, validation)
            return own if fitted.selector is None else selected_scores(model, collection, fitted.selector)

        return selected

    def report(self, data: Split, columns: Sequence[Mapping[str, Ranks]]) -> dict[str, Any]:
        """{"selector": what was fitted for each seed, and the gain over the network's own weights}; empty without."""
        if self.validation is None:
            return {}
        owners, num_videos = data.collection.caption_video, data.collection.num_videos
        own, selected = ([of_seed[name] for of_seed in columns] for name in (T2V, SELECTED))
        gain = {name: asdict(one) for name, one in compare(own, selected, owners, num_videos).items()}
        return {"selector": {"seeds": {str(seed): one.facts() for seed, one in self.found.items()}, "gain": gain}}


def selected_scores(model: CE, collection: Collection, selector: Selector) -> Floats:
    """(C, V) scores with the selector's weights, UNSEEN for a video that no expert knows."""
    embedded = Embedded.of(model, collection)
    scores = np.empty((len(embedded.texts), len(embedded.videos)), np.float32)
    for rows in _chunks(len(scores)):
        lists = embedded.lists(rows)
        fused = lists.fused(selector.weights(lists, embedded.base(rows)))
        scores[rows] = np.where(np.isneginf(fused), UNSEEN, fused)
    return scores


def _spread(values: NDArray[np.int64], at_most: int) -> NDArray[np.int64]:
    """At most so many of the values, spread evenly, in their order."""
    return values[np.unique(np.linspace(0, len(values) - 1, min(len(values), at_most)).astype(np.int64))]


def _chunks(count: int) -> Iterator[NDArray[np.int64]]:
    return (np.arange(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK))
