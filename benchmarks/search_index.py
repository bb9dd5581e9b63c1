"""Measures latency, recall and memory of the search: `python benchmarks/search_index.py [SIZE ...]`.

Synthetic videos with seven experts of dimension 64, as in configs/models/ce_light.yaml; a third of the videos lack
speech, others a face or sound. Similarity queries are noisy copies of videos with random expert weights, one at a time
on one thread, as in the server. A new process then opens all of it as a collection and searches it by text: half of the
videos have eight words from a vocabulary of 20 000 with a Zipf distribution. Prints a line per size, and writes
benchmarks/search_index.json.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from models.architecture import Architecture
from models.network_inputs import ExpertInput, TextInput
from models.networks.ce import CE
from models.training import checkpoint
from pipeline.running.cpu import one_thread
from pipeline.stores import recipes
from search.config import IndexSettings
from search.engines import approximate, fulltext
from search.engines.approximate import Approximate
from search.engines.experts import CALIBRATION
from search.engines.fulltext import Document
from search.index import videos
from search.index.folder import MODEL, Facts, key_of, publish, write_facts
from search.index.vectors import MOMENT_TIMES, MOMENTS, VIDEOS, Query, Vectors, load
from search.index.videos import Entry

CONFIGS = Path(__file__).parents[1] / "configs"
SIZES = (10_000, 100_000, 1_000_000)
ASK = "--ask"
VOCABULARY, WORDS, CAPTION = 20_000, 8, "somebody does something in a video"
EXPERTS = ("audio", "face", "flow", "ocr", "rgb", "scene", "speech")
THERE = (0.9, 0.5, 1.0, 0.5, 1.0, 1.0, 0.67)
DIM, TOPICS, QUERIES, BLOCK = 64, 2000, 200, 20_000
ARCHITECTURE = Architecture(DIM, "none", "mish", batch_norm=False, mask_padding=True)


def unit(values):
    return (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype(np.float32)


def make(folder: Path, size: int) -> Vectors:
    """Vectors of videos of many topics, written to `folder` block by block to save memory."""
    rng = np.random.default_rng(0)
    topics = rng.normal(size=(len(EXPERTS), TOPICS, DIM)).astype(np.float32)
    folder.mkdir()
    files = [np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float32, (size, DIM)) for name in EXPERTS]
    for start in range(0, size, BLOCK):
        rows = slice(start, min(start + BLOCK, size))
        topic = rng.integers(TOPICS, size=rows.stop - start)
        for index, file in enumerate(files):
            noise = rng.standard_normal((rows.stop - start, DIM), np.float32)
            file[rows] = unit(topics[index][topic] + 0.7 * noise)
    for file in files:
        file.flush()
    np.save(folder / "present.npy", rng.random((size, len(EXPERTS))) < THERE)
    return load(folder, EXPERTS)


def queries(videos: Vectors) -> list[Query]:
    rng = np.random.default_rng(1)
    return [
        Query(
            tuple(unit(of[row] + 0.5 * unit(rng.normal(size=DIM))) for of in videos.vectors),
            rng.dirichlet(np.ones(len(EXPERTS))).astype(np.float32),
        )
        for row in rng.integers(len(videos), size=QUERIES)
    ]


def exact(videos: Vectors, query: Query) -> np.ndarray:
    scores = videos.scores(query)
    best = np.argpartition(-scores, 200)[:200]
    return best[np.argsort(-scores[best])]


def through_faiss(videos: Vectors, index: Approximate, query: Query, everything: np.ndarray) -> np.ndarray:
    rows = index.candidates(query, 200, everything)
    return rows[np.argsort(-videos.scores_of(query, rows))]


def timed(ask, asked):
    """(answers, {p50, p95} of wall and CPU time in ms), after two warm-up queries."""
    for query in asked[:2]:
        ask(query)
    answers, taken = [], {"": [], "cpu_": []}
    for query in asked:
        start, cpu = time.perf_counter(), time.process_time()
        answers.append(ask(query))
        taken[""].append(1e3 * (time.perf_counter() - start))
        taken["cpu_"].append(1e3 * (time.process_time() - cpu))
    marks = ((f"{clock}p{percent}_ms", percent, all_ms) for clock, all_ms in taken.items() for percent in (50, 95))
    return answers, {name: round(float(np.percentile(all_ms, percent)), 1) for name, percent, all_ms in marks}


def make_collection(root: Path, size: int) -> Path:
    """Path of a new index that is complete except for the vectors."""
    folder = root / "store" / "index" / "bench" / "0"
    folder.mkdir(parents=True)
    names = (f"{at:07}.mp4" for at in range(size))
    entries = (
        Entry(key_of(name), name, 10.0 + at % 50, "test", True, EXPERTS, (CAPTION,)) for at, name in enumerate(names)
    )
    videos.write(folder, entries, EXPERTS)
    rng, words = np.random.default_rng(2), [f"word{at}" for at in range(VOCABULARY)]
    chosen = rng.zipf(1.2, (size // 2, WORDS)) % VOCABULARY
    times = [(float(at), at + 0.5) for at in range(WORDS)]
    fulltext.build(
        folder / "words.sqlite",
        (Document(2 * at, "speech", [words[one] for one in row], times) for at, row in enumerate(chosen)),
    )
    network = CE([ExpertInput(name, DIM) for name in EXPERTS], TextInput(300, 4, 1, 20), ARCHITECTURE)
    (folder / MODEL).mkdir()
    tensors = {key: value.clone() for key, value in network.state_dict().items()}
    checkpoint.write(folder / MODEL / checkpoint.MODEL, tensors, {"model": checkpoint.describe(network)})
    (folder / "text").mkdir()
    shutil.copy(CONFIGS / "text" / "words_hashed.yaml", folder / "text")
    np.save(folder / CALIBRATION, np.zeros(1, np.float32))
    np.savez(folder / MOMENT_TIMES, starts_s=np.zeros(size), offsets=np.arange(size + 1))
    facts = Facts(
        "bench",
        dict(zip(EXPERTS, EXPERTS, strict=True)),
        size,
        60.0,
        dict.fromkeys(EXPERTS, size),
        (CAPTION,),
        True,
        "words_hashed",
    )
    write_facts(folder, facts)
    recipes.write_recipe(folder, {})
    publish(folder)
    (root / "configs" / "datasets").mkdir(parents=True)
    shutil.copy(CONFIGS / "search.yaml", root / "configs")
    (root / "configs" / "datasets" / "bench.yaml").write_text(f"videos: {root}\n", encoding="utf-8")
    return folder


def ask_collection(root: Path) -> dict:
    """Measured in a new process: seconds to open the collection, its memory, and the latency of text queries."""
    completed = subprocess.run([sys.executable, __file__, ASK, str(root)], capture_output=True, text=True, check=True)
    return json.loads(completed.stdout)


def print_measurements(root: str) -> None:
    """Measures for `ask_collection`, in the new process, and prints JSON."""
    from search import Collection

    one_thread()
    start = time.perf_counter()
    collection = Collection.open("bench", root, Path(root) / "configs")
    collection.videos[len(collection.videos) - 1]
    row = {"open_s": round(time.perf_counter() - start, 3)}
    rare = np.random.default_rng(3).integers(100, VOCABULARY, (QUERIES, 2))
    rare_words = timed(collection.search, [f"somebody says word{a} and word{b}" for a, b in rare])[1]
    frequent = timed(collection.search, ["somebody says word1 and word2"] * 10)[1]
    print(json.dumps(row | {"words": rare_words, "frequent_words": frequent, "own_mb": own_mb()}))


def own_mb() -> int:
    """Current memory of this process without memory-mapped files (Linux)."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("RssAnon"))


def memory_mb() -> int:
    """Peak memory of this process, memory-mapped files included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def bench(size: int, root: Path) -> dict:
    folder = make_collection(root, size)
    vectors = make(folder / VIDEOS, size)
    shutil.copytree(folder / VIDEOS, folder / MOMENTS, copy_function=os.link)
    all_queries = queries(vectors)
    one_thread()
    exact_results, exact_ms = timed(lambda query: exact(vectors, query), all_queries)
    row = {"videos": size, "vectors_mb": round(size * DIM * len(EXPERTS) * 4 / 1e6), "exact": exact_ms}
    if size >= IndexSettings().approximate_from:
        start = time.perf_counter()
        approximate.build(folder / "approximate", vectors)
        row["faiss_build_s"] = round(time.perf_counter() - start, 1)
        row["faiss_mb"] = round(sum(path.stat().st_size for path in (folder / "approximate").iterdir()) / 1e6)
        index, everything = Approximate(folder / "approximate"), np.ones(size, bool)
        results, row["faiss"] = timed(lambda query: through_faiss(vectors, index, query, everything), all_queries)
        pairs = zip(exact_results, results, strict=True)
        row["recall@10"] = round(float(np.mean([len(np.intersect1d(a[:10], b[:10])) / 10 for a, b in pairs])), 4)
    return row | {"peak_rss_mb": memory_mb(), "collection": ask_collection(root)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", type=int, nargs="*", default=list(SIZES), metavar="SIZE")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    rows = []
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as root:
            rows.append(bench(size, Path(root)))
        print(json.dumps(rows[-1]), flush=True)
    options.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == [ASK]:
        print_measurements(sys.argv[2])
    else:
        main()
