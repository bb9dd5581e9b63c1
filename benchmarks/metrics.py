"""Time and memory of the metrics at the size of MSR-VTT's full test split: python benchmarks/metrics.py

59,800 captions against 2,990 videos, one thread, on made-up scores. Prints JSON.
"""

import json
import resource
import time
from collections.abc import Callable

NUM_VIDEOS, CAPTIONS = 2990, 20


def measure(work: Callable[[], object]) -> dict[str, float]:
    """CPU seconds of one call, and the memory above what was there before."""
    before_s, before_kib = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    work()
    above = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    return {"cpu_s": round(time.process_time() - before_s, 2), "peak_above_gb": round(above / 2**20, 2)}


def main() -> None:
    """One line of JSON."""
    import numpy as np

    from models.bootstrap import intervals
    from models.metrics import caption_ranks, each_caption_ranks, same_caption_ranks, summary, video_ranks

    scores = np.random.default_rng(0).random((NUM_VIDEOS * CAPTIONS, NUM_VIDEOS), np.float32)
    owners = np.repeat(np.arange(NUM_VIDEOS), CAPTIONS)
    texts = [f"caption {number % 50_000}" for number in range(len(owners))]
    result = {
        "matrix_gb": round(scores.nbytes / 2**30, 2),
        "t2v": measure(lambda: summary(caption_ranks(scores, owners))),
        "v2t": measure(lambda: summary(video_ranks(scores, owners))),
        "t2v_same_caption": measure(lambda: summary(same_caption_ranks(scores, owners, texts))),
        "v2t_each_caption": measure(lambda: summary(each_caption_ranks(scores, owners))),
    }
    ranks = np.random.default_rng(1).integers(0, 100, (3, len(owners))).astype(float)
    result["intervals"] = measure(lambda: intervals(ranks, owners, NUM_VIDEOS))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
