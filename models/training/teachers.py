"""TeachText: networks with other text encoders show which wrong pairs are nearly right, and which captions are noise.

Croitoru et al., ICCV 2021. C captions, V videos, N teachers.
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from models.evaluation.evaluate import chunks, embed_videos
from models.evaluation.metrics import caption_ranks
from models.inputs.batches import Collection, Data, Teacher
from models.networks.ce import CE, Embeddings, score


@torch.no_grad()
def teacher(model: CE, collection: Collection) -> Teacher:
    """What a trained network makes of the collection, on the network's device."""
    model.eval()
    data = Data(collection, next(model.parameters()).device, model.settings.mask_padding)
    texts = [data.texts(rows) for rows in chunks(len(collection.tokens))]
    captions = Embeddings.join([model.embed_texts(text.text, text.counts) for text in texts])
    return Teacher(captions, embed_videos(model, data))


def denoised(collection: Collection, worst_rank: int) -> Collection:
    """Without the captions whose video its teachers put, on average, behind `worst_rank` (from 1) of all its videos."""
    ranks = np.mean([_ranks(one, collection.caption_video) for one in collection.teachers], axis=0)
    kept = np.flatnonzero(ranks + 1 <= worst_rank)
    rows = torch.from_numpy(kept)
    return replace(
        collection,
        tokens=collection.tokens.take(kept),
        caption_video=collection.caption_video[kept],
        teachers=tuple(Teacher(one.captions.take(rows), one.videos) for one in collection.teachers),
    )


def _ranks(one: Teacher, caption_video: NDArray[np.int64]) -> NDArray[np.float64]:
    """(C,) from 0."""
    parts = []
    for rows in chunks(len(caption_video)):
        scores = score(one.captions.take(rows), one.videos).cpu().numpy()
        parts.append(caption_ranks(scores, caption_video[rows.numpy()]))
    return np.concatenate(parts)
