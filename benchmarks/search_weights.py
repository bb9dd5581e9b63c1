"""Measures what the search gains from each engine: `python benchmarks/search_weights.py [--dataset demo]`.

After BuildIndex. Each caption of the validation split is typed as a query; counted is how often its own video comes
first, and among the first ten, of all videos of the index. The settings of configs/search.yaml are tried with other
weights.
"""

import argparse
import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path

from pipeline.datasets.annotations import load_dataset
from pipeline.datasets.names import plain_name
from pipeline.datasets.protocol import annotations_of
from search import Collection
from search.results import LABEL_WORDS, LABELS, WORDS

CASES: dict[str, tuple[Mapping[str, float], int | None]] = {
    "as configured": ({}, None),
    "experts alone": ({WORDS: 0.0, LABELS: 0.0, LABEL_WORDS: 0.0}, None),
    "experts and words": ({LABELS: 0.0, LABEL_WORDS: 0.0}, None),
    "without labels": ({LABELS: 0.0}, None),
    "without label words": ({LABEL_WORDS: 0.0}, None),
    "without words": ({WORDS: 0.0}, None),
    "words 0.5": ({WORDS: 0.5}, None),
    "words 1": ({WORDS: 1.0}, None),
    "label words 0.5": ({LABEL_WORDS: 0.5}, None),
    "label words 2": ({LABEL_WORDS: 2.0}, None),
    "offset 5": ({}, 5),
    "offset 20": ({}, 20),
}
"""Name -> weights of engines that differ from the configured ones, and the offset where it differs."""


def main() -> int:
    """Prints a line for each case."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dataset", default="demo")
    parser.add_argument("--split", default="val")
    arguments = parser.parse_args()
    collection = Collection.open(arguments.dataset)
    annotations, _ = annotations_of(arguments.dataset, load_dataset(arguments.dataset, Path("configs/datasets")))
    captions = [
        (caption.text, plain_name(name))
        for name, one in annotations.items()
        if one.split == arguments.split
        for caption in one.captions
    ]
    print(f"{len(captions)} captions of {arguments.split}, {len(collection.videos)} videos")
    settings = collection.settings
    for name, (weights, offset) in CASES.items():
        fusion = dataclasses.replace(
            settings.fusion, weights={**settings.fusion.weights, **weights}, offset=offset or settings.fusion.offset
        )
        collection.settings = dataclasses.replace(settings, fusion=fusion)
        first = ten = 0
        for text, video in captions:
            found = [plain_name(hit.video_id) for hit in collection.search(text, k=10)]
            first += found[:1] == [video]
            ten += video in found
        print(f"{name:22} R@1 {100 * first / len(captions):5.1f}  R@10 {100 * ten / len(captions):5.1f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
