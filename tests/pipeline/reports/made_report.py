"""A report with known numbers."""

import copy

from pipeline.reports.report import METRICS


def metric(*values):
    mean = sum(values) / len(values)
    return {"mean": mean, "std": 0.5, "seeds": list(values)}


def make_report(**changed):
    direction = {name: metric(10.0 + number, 12.0 + number) for number, name in enumerate(METRICS)}
    queries = [
        {
            "caption": f"caption {number}",
            "video": f"v{number}.mp4",
            "tags": ["rgb"],
            "ranks": [number + 1.0, number + 2.5],
            "equal": [1, 4],
        }
        for number in range(60)
    ]
    report = {
        "dataset": "demo",
        "model": "ce_light",
        "split": "test",
        "selection": "best epoch",
        "seeds": [0, 1],
        "gallery": {"videos": 60, "captions": 60},
        "blind": [],
        "t2v": direction,
        "v2t": copy.deepcopy(direction),
        "variants": {
            "t2v_querybank": {
                "label": "caption finds video, QB-Norm",
                "note": "normalised by a bank",
                "queries": 60,
                "gallery": 60,
                "metrics": {name: metric(70.0 + number) for number, name in enumerate(METRICS)},
            }
        },
        "chance": {"R@1": 100 / 60, "R@5": 500 / 60, "R@10": 1000 / 60, "R@50": 5000 / 60},
        "tags": {
            "rgb": {"with_others": {"captions": 60, "t2v": direction}, "alone": {"captions": 0, "t2v": {}}},
        },
        "rank_histogram": [{"first": 1, "last": 1, "percent": 40.0}, {"first": 2, "last": 60, "percent": 60.0}],
        "training": {
            "0": [{"epoch": 1, "loss": 2.0, "geometric_mean": 5.0}, {"epoch": 2, "loss": 1.5, "geometric_mean": 9.0}]
        },
        "queries": queries,
        "experts": {"rgb_light": {"modality": "rgb", "present": 58, "absent": 1, "failed": 1}},
        "failures": [],
    }
    return report | changed
