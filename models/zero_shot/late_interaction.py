"""Late interaction: each token of a caption looks for the vector of a video that is nearest to it.

The score of a caption with W tokens t and a video with vectors v is MaxSim (Khattab and Zaharia, ColBERT, SIGIR 2020)
divided by W, so that captions of different lengths can be compared too: 1 / W * sum over t of max over v of t . v. All
vectors have length 1, so it lies in -1..1. A caption that is one vector is scored by its best vector of the video.

Q captions, V videos, W tokens of all captions, N vectors of all videos, D feature.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.inputs.aligned import Floats
from pipeline.running.tf32 import tf32
from pipeline.stores.ragged import Ragged

if TYPE_CHECKING:
    import torch

UNSEEN = -1.0
"""Score of a video of which an expert saw nothing: the lowest possible one."""
BLOCK_ENTRIES = 1 << 24
"""Products of a token and a vector that are held at once."""


def maxsim(captions: Ragged, videos: Ragged, device: str = "cpu") -> Floats:
    """(Q, V) scores of captions by the vectors of their tokens, one or more each, and videos by theirs, perhaps none.

    All of length 1. UNSEEN for a video without any. `device`: where the products are computed, without TF32.
    """
    import torch

    found = np.full((len(captions), len(videos)), UNSEEN, np.float32)
    present = np.flatnonzero(videos.counts > 0)
    if not len(present) or not len(captions):
        return found
    with torch.inference_mode(), tf32(False):
        for rows in _blocks(videos.counts[present], max(1, BLOCK_ENTRIES // max(1, int(captions.counts.max())))):
            chosen = videos.take(present[rows])
            vectors, lengths = _tensor(chosen.values, device), _tensor(chosen.counts, device)
            for some in _blocks(captions.counts, max(1, BLOCK_ENTRIES // len(chosen.values))):
                of_some = captions.take(some)
                products = vectors @ _tensor(of_some.values, device).T
                nearest = torch.segment_reduce(products, "max", lengths=lengths).T.contiguous()
                means = torch.segment_reduce(nearest, "mean", lengths=_tensor(of_some.counts, device))
                found[np.ix_(some, present[rows])] = means.cpu().numpy()
    return found


def _blocks(counts: NDArray[np.int64], at_most: int) -> list[NDArray[np.int64]]:
    """The rows 0, 1, ... in runs that have at most so many vectors together, or are one row."""
    runs, total = [0], 0
    for row, count in enumerate(counts.tolist()):
        if total and total + count > at_most:
            runs.append(row)
            total = 0
        total += count
    return np.split(np.arange(len(counts)), runs[1:])


def _tensor(values: NDArray[np.float32] | NDArray[np.int64], device: str) -> "torch.Tensor":
    import torch

    return torch.from_numpy(np.ascontiguousarray(values)).to(device)
