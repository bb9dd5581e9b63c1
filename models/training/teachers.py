"""TeachText (Croitoru et al., ICCV 2021): scores of teacher networks, and removal of captions that they rank badly.

C captions, V videos, N teachers.
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from models.evaluation.evaluate import chunks, embed_texts, embed_videos
from models.evaluation.metrics import caption_ranks
from models.inputs.batches import Collection, Data, Teacher
from models.networks.ce import CE, score


@torch.no_grad()
def teacher(model: CE, collection: Collection) -> Teacher:
    """The embeddings of the collection by a trained network, on the network's device."""
    model.eval()
    data = Data(collection, next(model.parameters()).device, model.settings.mask_padding)
    return Teacher(embed_texts(model, data), embed_videos(model, data))


def denoised(collection: Collection, worst_rank: int) -> Collection:
    """The collection without the captions whose video has a mean rank (from 1) over its teachers above `worst_rank`."""
    ranks = np.mean([_ranks(source, collection.caption_video) for source in collection.teachers], axis=0)
    kept = np.flatnonzero(ranks + 1 <= worst_rank)
    rows = torch.from_numpy(kept)
    return replace(
        collection,
        tokens=collection.tokens.take(kept),
        caption_video=collection.caption_video[kept],
        teachers=tuple(Teacher(source.captions.take(rows), source.videos) for source in collection.teachers),
        aligned={name: replace(pair, texts=pair.texts[kept]) for name, pair in collection.aligned.items()},
    )


def _ranks(source: Teacher, caption_video: NDArray[np.int64]) -> NDArray[np.float64]:
    """(C,) ranks from 0 of each caption's video, by the scores of one teacher."""
    parts = []
    for rows in chunks(len(caption_video)):
        scores = score(source.captions.take(rows), source.videos).cpu().numpy()
        parts.append(caption_ranks(scores, caption_video[rows.numpy()]).mean)
    return np.concatenate(parts)
