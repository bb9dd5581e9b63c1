"""Measures time and memory of the metrics at the size of MSR-VTT's full test split: `make bench-train`.

59,800 captions against 2,990 videos (`--videos N`: fewer), one thread, on random scores. Prints a table, and writes
benchmarks/metrics.json.
"""

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

NUM_VIDEOS, CAPTIONS = 2990, 20
ORIGINAL_S = {"t2v": 7.4, "v2t": 9.9}
"""Seconds of the original implementation, measured once on another two-core EPYC; it took 4.5 GB of memory."""
POLL_INTERVAL_S = 0.002


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def measure(function: Callable[[], object]) -> dict[str, float]:
    """CPU seconds of one call, and its peak memory above that before the call."""
    before, highest, ended = resident_bytes(), [0], threading.Event()

    def watch() -> None:
        while not ended.wait(POLL_INTERVAL_S):
            highest[0] = max(highest[0], resident_bytes())

    watcher = threading.Thread(target=watch)
    start_s = time.thread_time()
    watcher.start()
    function()
    cpu_s = time.thread_time() - start_s
    ended.set()
    watcher.join()
    return {"cpu_s": round(cpu_s, 2), "above_matrix_gb": round(max(0, highest[0] - before) / 1e9, 2)}


def main() -> None:
    """Prints and writes one row for each metric of a report."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    from benchmarks.training import device
    from models.evaluation.bootstrap import intervals
    from models.evaluation.metrics import (
        Ranks,
        caption_ranks,
        each_caption_ranks,
        same_caption_ranks,
        summary,
        video_ranks,
    )
    from models.evaluation.querybank import dual_softmax, normalise

    parser = argparse.ArgumentParser()
    parser.add_argument("--videos", type=int, default=NUM_VIDEOS)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    threadpool_limits(1)
    num_videos = options.videos
    scores = np.random.default_rng(0).random((num_videos * CAPTIONS, num_videos), np.float32)
    owners = np.repeat(np.arange(num_videos), CAPTIONS)
    texts = [f"caption {number % 50_000}" for number in range(len(owners))]
    above, ones = np.random.default_rng(1).integers(0, 100, (3, len(owners))), np.ones(len(owners), np.int64)
    ranks = [Ranks(of_seed, 0 * ones, ones) for of_seed in above]
    bank = np.random.default_rng(2).random((10_000, num_videos), np.float32)
    functions: dict[str, Callable[[], object]] = {
        "t2v": lambda: summary(caption_ranks(scores, owners)),
        "v2t": lambda: summary(video_ranks(scores, owners)),
        "t2v_same_caption": lambda: summary(same_caption_ranks(scores, owners, texts)),
        "v2t_each_caption": lambda: summary(each_caption_ranks(scores, owners)),
        "t2v_querybank": lambda: summary(caption_ranks(normalise(scores, bank), owners)),
        "t2v_dual_softmax": lambda: summary(caption_ranks(dual_softmax(scores), owners)),
        "intervals of 3 seeds": lambda: intervals(ranks, owners, num_videos),
    }
    rows = {name: measure(function) for name, function in functions.items()}
    print(f"{'':22}{'CPU s':>7}{'GB above the matrix':>21}{'the original, s':>17}")
    for name, row in rows.items():
        if name in ORIGINAL_S and num_videos == NUM_VIDEOS:
            row |= {"original_s": ORIGINAL_S[name], "times": round(ORIGINAL_S[name] / row["cpu_s"], 1)}
        original = f"{row['original_s']} ({row['times']} times)" if "times" in row else ""
        print(f"{name:22}{row['cpu_s']:7.2f}{row['above_matrix_gb']:21.2f}{original:>17}")
    result = {"captions": len(owners), "videos": num_videos, "matrix_gb": round(scores.nbytes / 1e9, 2)}
    result |= {"device": device("cpu"), "rows": rows}
    options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
