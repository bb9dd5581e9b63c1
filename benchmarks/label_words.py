"""Measures a query by label words: `python benchmarks/label_words.py [FRAMES ...]`.

Synthetic frames with the 50 most probable of 1000 classes each, ten frames a video, in the files of an index; queries
are random vectors, on one thread, as in the server, without the sentence encoder. Prints a line for each number of
frames: the time until all videos are ranked, the time of the reasons for ten hits, and the size of the files.
"""

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.zero_shot.label_words import LabelVectors
from pipeline.running.cpu import one_thread
from pipeline.weights.files import WeightOptions
from search import config
from search.engines.label_words import FOLDER, Classifier, LabelSearch
from search.engines.minus import SplitQuery
from search.engines.text_encoders import TextEncoders
from search.index.folder import Facts
from search.index.growing_array import GrowingArray

CLASSES, KEPT, DIM, FRAMES_A_VIDEO, BLOCK, QUERIES = 1000, 50, 384, 10, 50_000, 20
CONFIGS = Path(__file__).parents[1] / "configs"


def unit(values):
    return (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype(np.float32)


def make(folder: Path, frames: int) -> Classifier:
    rng, classifier = np.random.default_rng(0), Classifier(folder, "rgb")
    (folder / FOLDER).mkdir()
    names = [f"class {number}" for number in range(CLASSES)]
    classifier.file("names.json").write_text(repr(names).replace("'", '"'))
    labels = LabelVectors(
        unit(rng.normal(size=(CLASSES, DIM))), unit(rng.normal(size=(2 * CLASSES, DIM))), 2 * np.arange(CLASSES + 1)
    )
    np.savez(classifier.file("labels.npz"), **vars(labels))
    with (
        GrowingArray(classifier.file("classes.npy"), (KEPT,), np.int16) as classes,
        GrowingArray(classifier.file("probabilities.npy"), (KEPT,)) as probabilities,
    ):
        for start in range(0, frames, BLOCK):
            count = min(BLOCK, frames - start)
            classes.append(rng.integers(0, CLASSES, (count, KEPT)))
            drawn = np.sort(rng.dirichlet(np.full(KEPT, 0.2), count), axis=1)
            probabilities.append(drawn[:, ::-1])
    offsets = np.arange(0, frames + 1, FRAMES_A_VIDEO)
    np.savez(classifier.file("frames.npz"), offsets=offsets, starts_s=np.arange(frames) % FRAMES_A_VIDEO * 1.0)
    return classifier


def measure(folder: Path, frames: int) -> None:
    classifier, settings = make(folder, frames), config.load(CONFIGS)
    rng = np.random.default_rng(1)
    encoders = TextEncoders(folder, Facts("x", {}, 0, 1.0, {}, ()), WeightOptions(folder))
    floors = replace(settings.floors, label_words=0.0, label_words_of_near=0.0)
    search = LabelSearch([classifier], encoders, settings.label_words, floors)
    allowed = np.ones(frames // FRAMES_A_VIDEO, np.bool_)
    find_s, reason_s = [], []
    for _ in range(QUERIES + 1):
        vector = unit(rng.normal(size=(1, DIM)))
        object.__setattr__(search, "_query", lambda text, vector=vector: vector)
        start = time.perf_counter()
        found = search.find(SplitQuery(""), allowed, {}, [])
        find_s.append(time.perf_counter() - start)
        start = time.perf_counter()
        for row in list(found.ranking.scores)[:10]:
            found.seen(row), found.best_second(row)
        reason_s.append(time.perf_counter() - start)
    megabytes = sum(path.stat().st_size for path in (folder / FOLDER).iterdir()) / 1e6
    median, worst = 1000 * np.median(find_s[1:]), 1000 * max(find_s[1:])
    print(
        f"{frames:9,} frames: ranked in {median:.1f} ms (at most {worst:.1f}; the first {1000 * find_s[0]:.0f}), "
        f"reasons for ten hits {1000 * np.median(reason_s[1:]):.1f} ms, {megabytes:.0f} MB"
    )


if __name__ == "__main__":
    one_thread()
    for number in map(int, sys.argv[1:] or ["10000", "100000", "1000000"]):
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder), number)
