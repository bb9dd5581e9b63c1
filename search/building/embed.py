"""The videos of a collection as a trained network sees them, block by block; what is known already is copied.

What the network makes of a video depends on its weights, on the vectors that each expert has of the video, and on
nothing else: not on the other videos, and not on the run that the weights came from. So a video keeps its vectors while
the bytes of the network and its own rows in the stores stay what they were, whatever is added or removed beside it.
(Vectors made in blocks of other sizes may differ in their last bits: sums are taken in another order.)

V videos, E experts.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.manifest import Video
from pipeline.released.feature_import import origin_of
from pipeline.stores import atomic, recipes
from pipeline.stores.fingerprint import Recipe, canonical, file_sha256
from pipeline.stores.parts import Reader
from pipeline.stores.ragged import Ragged
from search.engines import moments
from search.index.growing_array import Column
from search.index.previous_vectors import CUTS, MOMENTS, NAMES, VIDEOS, Older, Seen

if TYPE_CHECKING:
    from models.inputs.load import Sources
    from models.networks.ce import CE, Embeddings

EMBED_VERSION = 1
"""Raised by hand when the vectors of an index are made in another way."""
RECIPE = "vectors.json"
BLOCK_VIDEOS = 1024
NAME_DIGITS = 24


def recipe(sources: "Sources", network: Path, moment_s: float) -> Recipe:
    """All that decides the vectors of a video but its own rows in the stores; `network` is the file of the weights."""
    origins = {name: origin_of(sources.stores[name], collection) for name, collection in sources.imported.items()}
    return {
        "version": EMBED_VERSION,
        "network": file_sha256(network),
        "stores": {expert.name: sources.stores[expert.name].name for expert in sources.experts},
        "imported": {name: origin.digest for name, origin in origins.items() if origin},
        "moment_s": moment_s,
    }


def write(network: "CE", sources: "Sources", videos: Sequence[Video], folder: Path, made: Recipe) -> int:
    """The vectors of V `videos` and of their moments, into `folder`; how many videos went through the network.

    `made` is the `recipe`. Vectors of the same recipe are taken over from an index beside `folder`.
    """
    experts = [expert.name for expert in network.experts]
    stored = {expert.name: Reader(sources.stores[expert.name]) for expert in network.experts}
    names = np.array([_name(sources, stored, video) for video in videos])
    known = _older(folder, made, experts)
    places = known.places(names) if known else np.full(len(videos), -1)
    embedder = _Embedder(network, sources, stored, made["moment_s"])
    starts_s, counts = [], []
    columns: list[list[Column]] = []
    with ExitStack() as files:
        for start in range(0, len(videos), BLOCK_VIDEOS):
            block = slice(start, start + BLOCK_VIDEOS)
            seen = _block(embedder, videos[block], known, places[block])
            columns = columns or [_open(files, folder / name, experts, one) for name, one in seen.items()]
            for into, one in zip(columns, seen.values(), strict=True):
                for column, values in zip(into, [one.present, *one.of], strict=True):
                    column.append(values)
            starts_s.append(seen[MOMENTS].starts_s)
            counts.append(np.bincount(seen[MOMENTS].owners, minlength=len(videos[block])))
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64)
    np.savez(folder / CUTS, starts_s=np.concatenate(starts_s), offsets=offsets)
    np.save(folder / NAMES, names)
    atomic.write_text(folder / RECIPE, canonical(made))
    return int((places < 0).sum())


def _name(sources: "Sources", stored: Mapping[str, Reader], video: Video) -> bytes:
    """Names what the experts have of a video: the row of a failure that was tried again is still called the same."""
    keys = {name: sources.key(name, video) for name in stored}
    had = [[name, keys[name], rows.count(keys[name])] for name, rows in stored.items()]
    return hashlib.sha256(json.dumps(had).encode()).hexdigest()[:NAME_DIGITS].encode()


def _older(folder: Path, made: Recipe, experts: Sequence[str]) -> Older | None:
    """The newest finished index beside `folder` with vectors of the same recipe, if there is one."""
    beside = [path for path in folder.parent.glob(f"*/{RECIPE}") if not path.parent.name.startswith(atomic.TEMPORARY)]
    found = [path for path in beside if recipes.read_recipe(path.parent) is not None]
    same = [path for path in found if json.loads(path.read_text(encoding="utf-8")) == made]
    newest = max(same, key=lambda path: path.stat().st_mtime_ns, default=None)
    return Older(newest.parent, experts) if newest else None


def _open(files: ExitStack, folder: Path, experts: Sequence[str], first: Seen) -> list[Column]:
    """As `vectors.save` has them: a file for what is present, and one for each expert."""
    folder.mkdir()
    columns = [Column(folder / "present.npy", first.present.shape[1:], np.bool_)]
    columns += [
        Column(folder / f"{name}.npy", values.shape[1:]) for name, values in zip(experts, first.of, strict=True)
    ]
    return [files.enter_context(column) for column in columns]


def _block(
    embedder: "_Embedder", videos: Sequence[Video], known: Older | None, places: NDArray[np.int64]
) -> dict[str, Seen]:
    """The videos, and their moments: the new ones through the network, the others from their `places` in `known`."""
    new, old = np.flatnonzero(places < 0), np.flatnonzero(places >= 0)
    taken = {VIDEOS: known.videos(old, places[old]), MOMENTS: known.moments(old, places[old])} if known else {}
    if not len(new):
        return taken
    made = embedder.seen([videos[int(at)] for at in new], new)
    return {name: one.joined(taken[name]) if taken else one for name, one in made.items()}


class _Embedder:
    """A network, and the stores that it is fed from."""

    def __init__(self, network: "CE", sources: "Sources", stored: Mapping[str, Reader], moment_s: float) -> None:
        self._network, self._sources, self._stored, self._moment_s = network, sources, stored, moment_s

    def seen(self, videos: Sequence[Video], owners: NDArray[np.int64]) -> dict[str, Seen]:
        """The videos, which are `owners` in a block, and their moments."""
        keys = {name: [self._sources.key(name, video) for video in videos] for name in self._stored}
        dims = {expert.name: expert.dim for expert in self._network.experts}
        features = {name: rows.values(keys[name], dims[name]) for name, rows in self._stored.items()}
        times_s = {name: rows.times_s(keys[name]) for name, rows in self._stored.items()}
        cut = moments.cut(features, times_s, self._moment_s)
        whole = _seen(self._embedded(features), owners, np.zeros(len(owners)))
        if not len(cut.starts_s):
            return {VIDEOS: whole, MOMENTS: whole.first(0)}
        pieces = _seen(self._embedded(cut.features), np.repeat(owners, np.diff(cut.offsets)), cut.starts_s)
        return {VIDEOS: whole, MOMENTS: pieces}

    def _embedded(self, features: dict[str, Ragged]) -> "Embeddings":
        from models.evaluation.evaluate import embed_videos
        from models.inputs.batches import Collection, Data

        text = self._sources.text
        none = Ragged(np.zeros((0, text.dim), np.float32), np.zeros(1, np.int64))
        collection = Collection(self._sources.experts, text, features, none, np.zeros(0, np.int64))
        device = next(self._network.parameters()).device
        return embed_videos(self._network, Data(collection, device, self._network.settings.mask_padding))


def _seen(embedded: "Embeddings", owners: NDArray[np.int64], starts_s: NDArray[np.float64]) -> Seen:
    return Seen(owners, starts_s, tuple(one.numpy() for one in embedded.vectors), embedded.weights.numpy() > 0)
