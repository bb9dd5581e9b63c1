"""Measures the search in one long video beside the same as short clips: `python -m benchmarks.long_video`.

An hour with two vectors a second of what is seen, 150 words a minute, labels, and an untrained network of Collaborative
Experts, once as one video and once as 360 clips of ten seconds. All values are generated, and the same in both. Every
engine takes part in each query: words, labels, frames with their text tower, moments, late interaction. CPU time of a
query in turns, of its answer as JSON, the size of that, of the index, and the CPU seconds of building it. Prints the
table of benchmarks/README.md, and writes benchmarks/long_video.json.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.extraction import HERE, machine
from extractors.text.hashed_words import EncoderParams, vectors
from models.architecture import Architecture
from models.inputs.load import Sources
from models.network_inputs import ExpertInput, TextInput
from models.networks.ce import CE
from models.training import checkpoint
from pipeline.datasets.manifest import Manifest, Video
from pipeline.datasets.videos import Listed
from pipeline.running.cpu import one_thread
from pipeline.stores import parts
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from pipeline.weights.files import WeightOptions
from search import Collection, Options
from search import config as search_config
from search.building.build import Ingredients, build_index
from search.config import LATE_INTERACTION
from search.results import Answer

CONFIGS = HERE.parent / "configs"
DIM = 300
"""That of hashed words, by which a text is compared with frames too."""
WORDS_A_MINUTE, VOCABULARY, ROWS_A_SECOND, CLASSES, KEPT = 150, 2000, 2, 50, 5
MODALITIES = {"clip": "rgb", "scene": "scene", "speech": "speech"}
TOWER, LABELLED, SPOKEN = MODALITIES
LABELS = tuple(f"thing{number}" for number in range(CLASSES))
TOLD = {
    "rare words: ms": "a query of two rare words: CPU ms",
    "frequent words: ms": "a query of two frequent words: CPU ms",
    "label: ms": "a query of a label: CPU ms",
    "page: ms": "the answer to the frequent words as JSON: CPU ms",
    "page: kB": "its size: kB",
    "index: kB": "the index: kB",
    "build: s": "building it: CPU s",
}


@dataclass(frozen=True)
class Hour:
    """What happens in a video of `seconds`, generated."""

    seconds: int

    def cut(self, clip_s: int) -> list[dict[str, Features]]:
        """Expert -> features, of each clip of so many seconds; times count from the beginning of a clip."""
        found = []
        for start in range(0, self.seconds, clip_s):
            of_clip = {}
            for name, whole in self._experts.items():
                inside = (whole.times_s[:, 0] >= start) & (whole.times_s[:, 0] < start + clip_s)
                extras = {key: array[inside] for key, array in whole.extras.items()}
                of_clip[name] = Features(whole.values[inside], whole.times_s[inside] - start, extras)
            found.append(of_clip)
        return found

    @property
    def _experts(self) -> dict[str, Features]:
        rng = np.random.default_rng(0)
        rows = self.seconds * ROWS_A_SECOND
        times_s = np.stack([np.arange(rows), np.arange(rows) + 1], 1) / ROWS_A_SECOND
        seen = rng.standard_normal((rows, DIM), np.float32)
        scene = rng.standard_normal((rows, DIM), np.float32)
        labels = rng.permuted(np.tile(np.arange(CLASSES), (rows, 1)), axis=1)[:, :KEPT].astype(np.int16)
        scores = np.sort(rng.random((rows, KEPT), np.float32))[:, ::-1]
        words = [f"word{one}" for one in rng.zipf(1.2, self.seconds * WORDS_A_MINUTE // 60) % VOCABULARY]
        starts_s = np.sort(rng.random(len(words))) * self.seconds
        spoken = {"text": np.array(words), "confidence": np.ones(len(words), np.float32)}
        return {
            TOWER: Features(seen, times_s),
            LABELLED: Features(scene, times_s, {"labels": labels, "label_scores": scores}),
            SPOKEN: Features(vectors(words, EncoderParams()), np.stack([starts_s, starts_s + 0.3], 1), spoken),
        }


def make(root: Path, hour: Hour, clip_s: int) -> tuple[Collection, dict[str, float]]:
    """The collection of the clips of so many seconds, and what building it took."""
    clips = hour.cut(clip_s)
    names = [f"{number:06}.mp4" for number in range(len(clips))]
    stores = {name: root / "store" / name for name in MODALITIES}
    for name, path in stores.items():
        rows = [Row(key, len(clip[name].values)) for key, clip in zip(names, clips, strict=True)]
        parts.publish(path, rows, [clip[name] for clip in clips], DIM)
    videos = Listed(Video(name, name, "test", (), float(clip_s), True, True, False) for name in names)
    experts = tuple(ExpertInput(name, DIM) for name in MODALITIES)
    manifest = Manifest("bench", root / "videos", "0" * 12, videos)
    sources = Sources(manifest, experts, stores, TextInput(DIM, 2, 1, 8), root / "text")
    words_hashed = CONFIGS / "text" / "words_hashed.yaml"
    inputs = Ingredients(
        manifest,
        stores,
        MODALITIES,
        sources.key,
        model=_network(root / "run", sources),
        sources=sources,
        text_config=words_hashed,
        towers={TOWER: words_hashed},
        dims=dict.fromkeys(MODALITIES, DIM),
        labels={LABELLED: LABELS},
        weights=WeightOptions(root / "weights", offline=True),
    )
    loaded, began_s = search_config.load(CONFIGS), time.process_time()
    build_index(inputs, loaded.index, root / "index", {"stage": "index"})
    taken = {"build: s": time.process_time() - began_s}
    # So that every engine has an answer, whatever the untrained network finds.
    floors = replace(loaded.floors, ce=-1.0, ce_keep=-1.0, frames_margin=-10.0)
    collection = Collection(root / "index", root, replace(loaded, floors=floors), inputs.weights)
    size = sum(path.stat().st_size for path in (root / "index").rglob("*") if path.is_file())
    return collection, taken | {"index: kB": size / 1e3}


def _network(path: Path, sources: Sources) -> Path:
    torch.manual_seed(0)
    network = CE(
        sources.experts, sources.text, Architecture(64, "sequential", "mish", batch_norm=True, mask_padding=True)
    )
    path.mkdir(parents=True)
    tensors = {key: value.clone() for key, value in network.eval().state_dict().items()}
    checkpoint.write(path / checkpoint.MODEL, tensors, {"model": checkpoint.describe(network)})
    return path


def measure(root: Path, seconds: int, clip_s: int, rounds: int) -> dict[str, dict[str, float]]:
    """`one video` and `clips` -> their figures; medians over the rounds and queries."""
    one_thread()
    hour, rng = Hour(seconds), np.random.default_rng(1)
    kinds = {"one video": seconds, "clips": clip_s}
    made = {kind: make(root / kind.replace(" ", "-"), hour, length) for kind, length in kinds.items()}
    options = Options(second_stage=LATE_INTERACTION)
    queries = {
        "rare words: ms": [f"word{a} word{b}" for a, b in rng.integers(50, 200, (rounds, 2))],
        "frequent words: ms": ["word1 and word2"] * rounds,
        "label: ms": [f"thing{number}" for number in rng.integers(0, CLASSES, rounds)],
    }
    taken: dict[str, dict[str, list[float]]] = {kind: {} for kind in made}
    for name, asked in queries.items():
        for query in (asked[0], *asked):  # the first one is not counted
            for kind, (collection, _) in made.items():
                taken[kind].setdefault(name, []).append(_ms(partial(collection.search, query, options=options)))
    figures = {kind: {name: statistics.median(all_ms[1:]) for name, all_ms in of.items()} for kind, of in taken.items()}
    for kind, (collection, built) in made.items():
        answer = collection.search("word1 and word2", options=options)
        pages_ms = [_ms(partial(_page, answer)) for _ in range(rounds)]
        figures[kind] |= built | {"page: ms": statistics.median(pages_ms), "page: kB": len(_page(answer)) / 1e3}
    return {kind: {name: round(number, 2) for name, number in of.items()} for kind, of in figures.items()}


def _page(answer: Answer) -> str:
    return json.dumps(answer.to_json())


def _ms(run: Callable[[], object]) -> float:
    began_s = time.process_time()
    run()
    return 1e3 * (time.process_time() - began_s)


def table(path: Path) -> str:
    """The figures of both, as Markdown."""
    measured: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    one, clips = measured["one video"], measured["clips"]
    count = measured["seconds"] // measured["clip_s"]
    lines = [f"| {measured['seconds']:,} s | as one video | as {count} clips |", "| --- | ---: | ---: |"]
    lines += [f"| {told} | {one[name]:.1f} | {clips[name]:.1f} |" for name, told in TOLD.items()]
    return "\n".join([*lines, "", f"On {measured['machine']['cpu']}, others busy on the same cores."])


def main() -> None:
    """Measures, prints the table, and writes the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--clip-s", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--out", type=Path, default=HERE / "long_video.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        figures = measure(Path(temporary), options.seconds, options.clip_s, options.rounds)
    result = {"machine": machine(), "seconds": options.seconds, "clip_s": options.clip_s} | figures
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(table(options.out))


if __name__ == "__main__":
    main()
