"""CPU seconds that each light expert costs on a video, alone and fused, on the demo's videos: make bench

Process time of one thread, so that a busy machine changes it little. Needs the demo: make demo
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

NUM_VIDEOS = 16


def cpu_seconds(work: Callable[[], object]) -> float:
    """Of this process, for one call."""
    before = time.process_time()
    work()
    return time.process_time() - before


def main() -> None:
    """Prints a table and writes benchmarks/light_experts.json."""
    os.environ["OMP_NUM_THREADS"] = "1"
    import cv2
    import numpy as np
    import torch

    from extractors import registry
    from extractors.views import Segment, prepare_segment
    from pipeline import config

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    videos = sorted(Path("data/raw/demo/videos").glob("demo_0*.mp4"))[:NUM_VIDEOS]
    if not videos:
        sys.exit("data/raw/demo/videos: no videos there; make demo")
    experts = [registry.expert(name) for name in config.names(registry.EXPERTS) if name.endswith("_light")]

    def prepare(chosen: list[registry.NamedExpert]) -> list[dict[str, object]]:
        ids = tuple(expert.id for expert in chosen)
        return [prepare_segment(Segment(video, "", 0, ids)) for video in videos]

    rows = {}
    for expert in experts:
        prepare([expert])  # imports and caches
        expert.extractor.load("cpu")
        shown = [segment[expert.name].items for segment in prepare([expert])]
        batches = [np.stack(list(items)) for items in shown if len(items)]
        expert.extractor.embed(batches[0])
        rows[expert.name] = {
            "worker_cpu_s": cpu_seconds(lambda expert=expert: prepare([expert])) / len(videos),
            "network_cpu_s": cpu_seconds(lambda e=expert, b=batches: [e.extractor.embed(x) for x in b]) / len(videos),
        }
    fused = cpu_seconds(lambda: prepare(experts)) / len(videos)
    result = {"videos": len(videos), "experts": rows, "fused_worker_cpu_s": fused}
    for name, row in rows.items():
        print(f"{name:14} decode and prepare {row['worker_cpu_s']:.3f} s, network {row['network_cpu_s']:.3f} s a video")
    alone = sum(row["worker_cpu_s"] for row in rows.values())
    print(f"all fused: decode and prepare {fused:.3f} s a video; one after another {alone:.3f} s")
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
