"""A trained network on a split: all its scores, and what they are worth. V videos, C captions."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.batches import Collection, Data
from models.ce import CE, Embeddings, score
from models.metrics import caption_ranks, summary, video_ranks

CHUNK = 256
"""Videos or captions that go through the network at once, so that memory does not grow with the split."""


@dataclass(frozen=True)
class Evaluation:
    """What a split's scores are worth, both ways."""

    t2v: dict[str, float]
    """R@1, R@5, R@10, R@50 in percent, MdR, MnR, geometric_mean: captions look for their video."""
    v2t: dict[str, float]
    """The same: videos look for any of their captions."""
    caption_ranks: NDArray[np.float64]
    """(C,), from 0; halves where ties are shared."""
    video_ranks: NDArray[np.float64]
    """(V,), from 0; NaN for a video without a caption."""


def evaluate(scores: NDArray[np.float32], caption_video: NDArray[np.int64]) -> Evaluation:
    """What `scores` (C, V) are worth when caption i belongs to video `caption_video[i]`."""
    of_captions, of_videos = caption_ranks(scores, caption_video), video_ranks(scores, caption_video)
    return Evaluation(summary(of_captions), summary(of_videos), of_captions, of_videos)


def similarities(model: CE, collection: Collection) -> NDArray[np.float32]:
    """(C, V) scores of every caption against every video, in evaluation mode and float32, on the model's device."""
    return scores_of(model, Data(collection, next(model.parameters()).device, model.settings.mask_padding))


@torch.no_grad()
def scores_of(model: CE, data: Data) -> NDArray[np.float32]:
    """`similarities` of data that is on the device already."""
    mode = model.training
    model.eval()
    videos = embed_videos(model, data)
    scores = np.empty((len(data.collection.tokens), len(videos)), np.float32)
    for rows in _chunks(len(scores)):
        texts = data.texts(rows)
        scores[rows.numpy()] = score(model.embed_texts(texts.text, texts.counts), videos).cpu().numpy()
    model.train(mode)
    return scores


@torch.no_grad()
def embed_videos(model: CE, data: Data) -> Embeddings:
    """All videos of a split, as a search index keeps them; the model must be in evaluation mode."""
    chunks = []
    for rows in _chunks(data.collection.num_videos):
        videos = data.videos(rows)
        chunks.append(model.embed_videos(videos.experts, videos.available, videos.counts))
    return Embeddings.join(chunks)


def _chunks(count: int) -> Iterator[Tensor]:
    return (torch.arange(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK))
