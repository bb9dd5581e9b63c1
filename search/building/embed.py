"""Embeds the videos of a collection with a trained network; copies embeddings that an earlier index has.

The embedding of a video depends only on the network's weights and on the features of that video. A new index therefore
copies it as long as the network's file and the video's rows in the stores are the same, whatever other videos are added
or removed. (Embeddings computed in blocks of another size may differ by rounding.) V videos, E experts.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.manifest import Video
from pipeline.errors import StoreError
from pipeline.released.feature_import import origin_of
from pipeline.stores import atomic, places, recipes
from pipeline.stores.fingerprint import Recipe, canonical, file_sha256
from pipeline.stores.parts import Reader
from search.building.embedder import Embedder
from search.index.growing_array import GrowingArray
from search.index.made_of import made_ns
from search.index.previous_vectors import PreviousVectors, VectorBlock
from search.index.vectors import DIGESTS, MOMENT_TIMES, MOMENTS, VIDEOS

if TYPE_CHECKING:
    from models.inputs.load import Sources
    from models.networks.ce import CE
    from models.zero_shot.stored import LabelSources

EMBED_VERSION = 1
"""To be raised by hand whenever a change of the code changes the vectors of an index."""
RECIPE = "vectors.json"
BLOCK_VIDEOS = 1024
DIGEST_DIGITS = 24


def recipe(sources: "Sources", network: Path, moment_s: float) -> Recipe:
    """All that decides the vectors besides the videos' rows in the stores; `network`: the file of the weights."""
    origins = {name: origin_of(sources.stores[name], collection) for name, collection in sources.imported.items()}
    return {
        "version": EMBED_VERSION,
        "network": file_sha256(network),
        "stores": {expert.name: sources.stores[expert.name].name for expert in sources.experts},
        "imported": {name: origin.digest for name, origin in origins.items() if origin},
        "moment_s": moment_s,
    }


def write(
    network: "CE",
    sources: "Sources",
    videos: Sequence[Video],
    folder: Path,
    vectors_recipe: Recipe,
    labels: "LabelSources | None" = None,
) -> int:
    """Writes the vectors of V `videos` and of their moments; returns how many videos went through the network.

    `vectors_recipe`: the result of `recipe`. Vectors of the same recipe are copied from an index beside `folder`.
    `labels`: label words, from whose scores a residual network starts too.
    """
    experts = [expert.name for expert in network.experts]
    stored = {expert.name: Reader(sources.stores[expert.name]) for expert in network.experts}
    digests = _digests(sources, stored, videos)
    previous = _previous(folder, vectors_recipe, experts)
    rows = previous.rows_of(digests) if previous else np.full(len(videos), -1)
    embedder = Embedder(network, sources, stored, vectors_recipe["moment_s"], labels)
    starts_s, counts = [], []
    arrays: list[list[GrowingArray]] = []
    with ExitStack() as files:
        for start in range(0, len(videos), BLOCK_VIDEOS):
            block = slice(start, start + BLOCK_VIDEOS)
            kinds = _block(embedder, videos[block], previous, rows[block])
            arrays = arrays or [_open(files, folder / kind, experts, vectors) for kind, vectors in kinds.items()]
            for of_kind, vectors in zip(arrays, kinds.values(), strict=True):
                for array, values in zip(of_kind, [vectors.present, *vectors.vectors], strict=True):
                    array.append(values)
            starts_s.append(kinds[MOMENTS].starts_s)
            counts.append(np.bincount(kinds[MOMENTS].owners, minlength=len(videos[block])))
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64)
    np.savez(folder / MOMENT_TIMES, starts_s=np.concatenate(starts_s), offsets=offsets)
    np.save(folder / DIGESTS, digests)
    atomic.write_text(folder / RECIPE, canonical(vectors_recipe))
    return int((rows < 0).sum())


def _digests(sources: "Sources", stored: Mapping[str, Reader], videos: Sequence[Video]) -> NDArray[np.bytes_]:
    """(V,) Digests of the keys and lengths of each video's rows.

    The lengths, since a failure that is retried keeps its key.
    """
    keys = {name: [sources.key(name, video) for video in videos] for name in stored}
    counts = [reader.counts(keys[name]).tolist() for name, reader in stored.items()]
    found = []
    for row in zip(*keys.values(), *counts, strict=True):
        rows = [[name, key, count] for name, key, count in zip(stored, row, row[len(stored) :], strict=False)]
        found.append(hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:DIGEST_DIGITS].encode())
    return np.array(found)


def _previous(folder: Path, vectors_recipe: Recipe, experts: Sequence[str]) -> PreviousVectors | None:
    """The vectors of the newest finished index beside `folder` with the same recipe; None if there is none."""
    beside = [
        path
        for path in places.listed(folder.parent).glob(f"*/{RECIPE}")
        if not path.parent.name.startswith(atomic.TEMPORARY)
    ]
    same = [path for path in beside if _recipe_of(path) == vectors_recipe and _is_whole(path.parent)]
    newest = max(same, key=made_ns, default=None)
    return PreviousVectors(newest.parent, experts) if newest else None


def _recipe_of(path: Path) -> Recipe | None:
    """The recipe of an index's vectors; None where the file is damaged, which `_is_whole` would say too."""
    try:
        recipe: Recipe = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return recipe


def _is_whole(index: Path) -> bool:
    """Whether the index is finished, and each of its bytes is as it was written."""
    try:
        return recipes.check(places.fetched(index), up_to_bytes=math.inf) is not None
    except StoreError:
        return False


def _open(files: ExitStack, folder: Path, experts: Sequence[str], first: VectorBlock) -> list[GrowingArray]:
    """The files that `vectors.save` would write, open: one for `present`, and one for each expert."""
    folder.mkdir()
    arrays = [GrowingArray(folder / "present.npy", first.present.shape[1:], np.bool_)]
    for name, values in zip(experts, first.vectors, strict=True):
        arrays.append(GrowingArray(folder / f"{name}.npy", values.shape[1:]))
    return [files.enter_context(array) for array in arrays]


def _block(
    embedder: Embedder, videos: Sequence[Video], previous: PreviousVectors | None, rows: NDArray[np.int64]
) -> dict[str, VectorBlock]:
    """VIDEOS and MOMENTS -> their vectors: copied from `rows` of `previous`, or computed where the row is -1."""
    new, old = np.flatnonzero(rows < 0), np.flatnonzero(rows >= 0)
    copied = {VIDEOS: previous.videos(old, rows[old]), MOMENTS: previous.moments(old, rows[old])} if previous else {}
    if not len(new):
        return copied
    computed = embedder.embed([videos[int(index)] for index in new], new)
    return {kind: block.merged(copied[kind]) if copied else block for kind, block in computed.items()}
