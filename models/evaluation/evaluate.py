"""Scores every caption of a split against every video with a trained network. V videos, C captions."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.inputs.batches import Collection, Data
from models.networks.ce import CE, Embeddings, score

CHUNK = 256
"""Batch size of videos and of captions, so that memory does not grow with the split."""


def similarities(model: CE, collection: Collection) -> NDArray[np.float32]:
    """(C, V) scores of every caption against every video, in evaluation mode and float32, on the model's device."""
    return scores_of(model, Data(collection, next(model.parameters()).device, model.settings.mask_padding))


@torch.no_grad()
def scores_of(model: CE, data: Data) -> NDArray[np.float32]:
    """`similarities` for data that is on the device already."""
    mode = model.training
    model.eval()
    videos = embed_videos(model, data)
    scores = np.empty((len(data.collection.tokens), len(videos)), np.float32)
    for rows in chunks(len(scores)):
        texts = data.texts(rows)
        embedded = model.embed_texts(texts.text, texts.counts, texts.aligned)
        scores[rows.numpy()] = score(embedded, videos).cpu().numpy()
    model.train(mode)
    return scores


@torch.no_grad()
def embed_videos(model: CE, data: Data) -> Embeddings:
    """The embeddings of all videos of a split; the model must be in evaluation mode."""
    parts = []
    for rows in chunks(data.collection.num_videos):
        videos = data.videos(rows)
        parts.append(model.embed_videos(videos.experts, videos.available, videos.counts, videos.aligned))
    return Embeddings.join(parts)


@torch.no_grad()
def embed_texts(model: CE, data: Data) -> Embeddings:
    """The embeddings of all captions of a split; the model must be in evaluation mode."""
    parts = []
    for rows in chunks(len(data.collection.tokens)):
        texts = data.texts(rows)
        parts.append(model.embed_texts(texts.text, texts.counts, texts.aligned))
    return Embeddings.join(parts)


def chunks(count: int) -> Iterator[Tensor]:
    """The indices 0 to `count` - 1 in batches of CHUNK."""
    return (torch.arange(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK))
