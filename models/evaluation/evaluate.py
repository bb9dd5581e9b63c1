"""A trained network on a split: all its scores. V videos, C captions."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.inputs.batches import Collection, Data
from models.networks.ce import CE, Embeddings, score

CHUNK = 256
"""Videos or captions that go through the network at once, so that memory does not grow with the split."""


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
    for rows in chunks(len(scores)):
        texts = data.texts(rows)
        scores[rows.numpy()] = score(model.embed_texts(texts.text, texts.counts), videos).cpu().numpy()
    model.train(mode)
    return scores


@torch.no_grad()
def embed_videos(model: CE, data: Data) -> Embeddings:
    """All videos of a split, as a search index keeps them; the model must be in evaluation mode."""
    parts = []
    for rows in chunks(data.collection.num_videos):
        videos = data.videos(rows)
        parts.append(model.embed_videos(videos.experts, videos.available, videos.counts))
    return Embeddings.join(parts)


def chunks(count: int) -> Iterator[Tensor]:
    """0 to `count`, CHUNK at a time."""
    return (torch.arange(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK))
