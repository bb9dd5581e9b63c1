"""Score lists in which it is known for each query which engine is right, or in which nothing tells it."""

import numpy as np

from models.fusion.lists import Examples, Lists

ENGINES, VIDEOS = 3, 40


def examples(count: int, seed: int = 0, telling: bool = True) -> Examples:
    """`count` queries, each of its own video. One engine, another one for each query, has the right video first, by 3
    deviations; the others have noise. Not `telling`: each of them has it, by 1.5, so that even weights are best."""
    chance = np.random.default_rng(seed)
    scores = chance.normal(size=(count, ENGINES, VIDEOS)).astype(np.float32)
    right, best = chance.integers(0, VIDEOS, count), chance.integers(0, ENGINES, count)
    rows = np.arange(count)
    if telling:
        scores[rows, best, right] = 3 + scores.max((1, 2))
    else:
        scores[rows, :, right] += 1.5
    return Examples(Lists(scores, scores, VIDEOS, True), np.ones((count, ENGINES)), right, rows)
