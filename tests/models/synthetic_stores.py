"""Writes synthetic splits into stores, in the form in which extraction leaves features and token vectors."""

import dataclasses

import numpy as np

from models.inputs.load import Sources
from pipeline.datasets.annotations import Caption
from pipeline.datasets.manifest import Manifest, Video
from pipeline.datasets.videos import Listed
from pipeline.stores import parts
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from tests.models.synthetic import NOISE, SIGNAL, TEXT, synthetic_split

EXPERTS = (SIGNAL, NOISE)
SPLITS = {"train": 24, "val": 6, "test": 8}


def stored_sources(folder, fully_blind=()):
    """Sources of synthetic videos in three splits; every expert has only empty rows of the videos in `fully_blind`."""
    videos = []
    for seed, (split, count) in enumerate(SPLITS.items()):
        data = synthetic_split(count, seed, EXPERTS)
        names = [f"{split}{number}" for number in range(count)]
        texts = [f"{names[owner]}, caption {number}" for number, owner in enumerate(data.caption_video)]
        for expert in EXPERTS:
            rows = [data.features[expert.name][n] if name not in fully_blind else data.features[expert.name][n][:0]
                    for n, name in enumerate(names)]  # fmt: skip
            _publish(folder / expert.name, [f"content-{name}" for name in names], rows, expert.dim)
        _publish(folder / "text", [Caption(text).key for text in texts], list(data.tokens), TEXT.dim)
        for number, name in enumerate(names):
            captions = tuple(
                Caption(text, ("rgb",) if number % 2 else ("rgb", "audio"))
                for text, owner in zip(texts, data.caption_video, strict=True)
                if owner == number
            )
            videos.append(Video(name, f"content-{name}", split, captions, 1.0, True, True, False))
    manifest = Manifest("planted", folder, "0" * 12, Listed(videos))
    stores = {expert.name: folder / expert.name for expert in EXPERTS}
    return Sources(manifest, EXPERTS, stores, TEXT, folder / "text")


def without(sources, *splits):
    """The sources as if there were no video of these splits."""
    kept = tuple(video for video in sources.manifest.videos if video.split not in splits)
    return dataclasses.replace(sources, manifest=dataclasses.replace(sources.manifest, videos=kept))


def _publish(folder, keys, values, dim):
    rows = [Row(key, len(item)) for key, item in zip(keys, values, strict=True)]
    parts.publish(folder, rows, [Features(item, np.zeros((len(item), 2))) for item in values], dim)
