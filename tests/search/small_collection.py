"""A small collection with known content: clips, stores filled by hand, and an untrained network."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
import yaml

from extractors.text.hashed_words import EncoderParams, vectors
from extractors.text.tokens import tokens
from models.architecture import Architecture
from models.inputs.load import Sources
from models.network_inputs import ExpertInput, TextInput
from models.networks.ce import CE
from models.training import checkpoint
from pipeline.datasets.annotations import Caption
from pipeline.datasets.manifest import Manifest, Video
from pipeline.datasets.videos import Listed
from pipeline.stores import parts
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from pipeline.weights.files import WeightOptions
from search import Collection
from search.building import build
from search.building.build import Ingredients
from search.config import IndexSettings
from search.index import folder
from tests.clips import make_clip

CONFIGS = Path(__file__).parents[2] / "configs"
DIM = 300
HOSTILE = "<img src=x onerror=alert(1)>"


@dataclass(frozen=True)
class Clip:
    """The content of a video."""

    name: str
    sign: Mapping[str, float] = field(default_factory=dict)
    """Word on a sign -> the second at which it appears."""
    speech: Mapping[str, float] = field(default_factory=dict)
    """Spoken word -> the second at which it begins."""
    seen: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    """Label of a classifier -> its probability, and the second at which it is that high."""
    colour: Sequence[float] = (0.0, 0.0, 1.0)
    duration_s: float = 6.0
    split: str = "test"
    caption: str = ""
    clip_of: str = ""
    """Its file, of which it is the piece from `start_s` on; empty where it is a file of its own."""
    start_s: float = 0.0


BEAR = "brown bear, bruin, Ursus arctos"
CLASSES = ("grasshopper", "zebra", BEAR, "teddy, teddy bear", HOSTILE)

CLIPS = (
    Clip(
        "kitchen.mp4",
        speech={"Pasta": 3.0, "boils": 3.5, "in": 3.7, "water": 3.9},
        colour=(1, 0, 0),
        seen={"teddy, teddy bear": (0.97, 1)},
    ),
    Clip("harbour.mp4", sign={"LIGHTHOUSE": 4.0}, speech={"Boats": 1.0, "and": 1.2, "water": 1.4}, colour=(0, 1, 0)),
    Clip("street.mp4", sign={"BAKERY": 2.0, "OPEN": 2.0}, duration_s=3.0),
    Clip("meadow.mp4", colour=(0, 1, 0.1), seen={"zebra": (0.93, 2), BEAR: (0.55, 4), "grasshopper": (0.05, 1)}),
    Clip(
        f"{HOSTILE}.mp4",
        speech={"<b>bold</b>": 0.5},
        caption=f"{HOSTILE} it says",
        seen={HOSTILE: (0.5, 0), "zebra": (0.25, 3)},
    ),
    Clip("long/walk.mp4", speech={"running": 20.0}, duration_s=40.0, split="val", caption="somebody is running"),
)
EXPERTS = {"ocr_light": "ocr", "rgb_light": "rgb", "speech_light": "speech"}
LABELLED = {"rgb_light": CLASSES}


def make(
    root: Path,
    clips: Sequence[Clip] = CLIPS,
    has_model: bool = True,
    towers: Mapping[str, Path] = MappingProxyType({}),
    **more: Any,
) -> Path:
    """The index of `clips` below `root`/store, made current; `more`: further ingredients."""
    sources, model = trained(root, clips)
    inputs = replace(ingredients(root, sources, model if has_model else None), towers=towers, **more)
    path = root / "store" / "index" / "tiny" / ("a" * 12 if has_model else "b" * 12)
    build.build_index(inputs, IndexSettings(2.0, 200_000), path, {"stage": "index"})
    folder.publish(path)
    write_configs(root)
    return path


def write_configs(root: Path) -> None:
    """The configs below `root` that a collection is opened with."""
    (root / "configs" / "datasets").mkdir(parents=True, exist_ok=True)
    shutil.copy(CONFIGS / "search.yaml", root / "configs")
    settings = {"videos": str(root / "videos")}
    (root / "configs" / "datasets" / "tiny.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")


def opened(root: Path) -> Collection:
    """The collection whose index is below `root`."""
    return Collection.open("tiny", root, root / "configs", weights(root))


def weights(root: Path) -> WeightOptions:
    """Where weights would be, if any were needed."""
    return WeightOptions(root / "weights", offline=True)


def ingredients(root: Path, sources: Sources, model: Path | None) -> Ingredients:
    """The inputs of an index, with the network in the folder `model`, or without one."""
    dims = {name: _dim(name) for name in EXPERTS}
    inputs = Ingredients(sources.manifest, sources.stores, EXPERTS, sources.key, dims=dims, labels=LABELLED)
    inputs = replace(inputs, weights=weights(root))
    if model is None:
        return inputs
    return replace(inputs, model=model, sources=sources, text_config=CONFIGS / "text" / "words_hashed.yaml")


def trained(root: Path, clips: Sequence[Clip]) -> tuple[Sources, Path]:
    """Sources with stores filled by hand, and the folder of an untrained network for them."""
    videos = tuple(_video(clip) for clip in sorted(clips, key=lambda clip: clip.name))
    stores = {name: root / "store" / "features" / name for name in EXPERTS}
    for name, path in stores.items():
        rows = [_features(name, clip) for clip in clips]
        parts.publish(
            path, [Row(clip.name, len(one.values)) for clip, one in zip(clips, rows, strict=True)], rows, _dim(name)
        )
    captions = list(dict.fromkeys(clip.caption for clip in clips if clip.caption))
    words = [vectors(tokens(caption), EncoderParams()) for caption in captions]
    keys = [Row(Caption(caption).key, len(one)) for caption, one in zip(captions, words, strict=True)]
    parts.publish(root / "text", keys, [Features(one, np.zeros((len(one), 2))) for one in words], DIM)
    inputs = tuple(ExpertInput(name, _dim(name)) for name in EXPERTS)
    manifest = Manifest("tiny", root / "videos", "0" * 12, Listed(videos))
    sources = Sources(manifest, inputs, stores, TextInput(DIM, 2, 1, 8), root / "text")
    return sources, _network(root / "run", sources)


def make_files(root: Path, clips: Sequence[Clip] = CLIPS) -> None:
    """Writes a video file for each clip."""
    for number, clip in enumerate(clips):
        picture = np.full((120, 160, 3), [40 + int(150 * part) for part in clip.colour], np.uint8)
        make_clip(
            root / "videos" / clip.name,
            seconds=min(clip.duration_s, 6.0),
            fps=5,
            picture=lambda index, shown=picture, at=number: np.roll(shown // (1 + index % 2), at, 1),
        )


def _video(clip: Clip) -> Video:
    captions = (Caption(clip.caption),) if clip.caption else ()
    span_s = (clip.start_s, clip.start_s + clip.duration_s) if clip.clip_of else ()
    piece = {"file": clip.clip_of, "span_s": span_s}
    return Video(clip.name, clip.name, clip.split, captions, clip.duration_s, True, True, False, **piece)


def _dim(name: str) -> int:
    return 3 if name == "rgb_light" else DIM


def _features(name: str, clip: Clip) -> Features:
    if name == "rgb_light":
        seconds = np.arange(int(clip.duration_s))
        # The colour gets stronger towards the end.
        values = np.outer(seconds + 1, clip.colour) / len(seconds)
        return Features(values.astype(np.float32), np.stack([seconds, seconds + 1.0], 1), _labels(clip, len(seconds)))
    words = clip.sign if name == "ocr_light" else clip.speech
    starts = np.array(list(words.values()), np.float64)
    times = np.stack([starts, starts + 0.5], 1)
    return Features(vectors(list(words), EncoderParams()), times, {"text": np.array(list(words), np.str_)})


def _labels(clip: Clip, num_rows: int) -> dict[str, np.ndarray]:
    """All classes of each row, by falling probability: at a label's second its own, otherwise a third of that."""
    scores = np.zeros((num_rows, len(CLASSES)), np.float32)
    for label, (score, second) in clip.seen.items():
        scores[:, CLASSES.index(label)] = score / 3
        scores[second, CLASSES.index(label)] = score
    order = np.argsort(-scores, axis=1, kind="stable")
    return {"labels": order.astype(np.int16), "label_scores": np.take_along_axis(scores, order, 1)}


def _network(path: Path, sources: Sources) -> Path:
    settings = Architecture(16, "sequential", "mish", batch_norm=True, mask_padding=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = CE(sources.experts, sources.text, settings).eval()
    path.mkdir(parents=True)
    tensors = {key: value.clone() for key, value in network.state_dict().items()}
    checkpoint.write(path / checkpoint.MODEL, tensors, {"model": checkpoint.describe(network)})
    return path
