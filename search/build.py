"""Writes the index of a collection: its videos, the words in them, and, with a trained model, their vectors."""

import dataclasses
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline import parts, store
from pipeline.fingerprint import Recipe
from pipeline.manifest import MISSING, Manifest, Video
from pipeline.ragged import Ragged
from search import folder as index_folder
from search import frames, fulltext, heard, vectors
from search.config import IndexSettings
from search.experts import CALIBRATION, Experts
from search.folder import Entry, Facts

if TYPE_CHECKING:
    from models.inputs import Sources

VERSION = 5
"""Raised by hand when an index is written in another way."""

CALIBRATION_CAPTIONS = 200


@dataclass(frozen=True)
class Ingredients:
    """What an index is made from."""

    manifest: Manifest
    stores: dict[str, Path]
    """Expert -> store of its features."""
    modalities: dict[str, str]
    """Expert -> modality."""
    key: Callable[[str, Video], str]
    """(expert, video) -> name of its row in the store."""
    model: Path | None = None
    """Folder of the trained network."""
    sources: "Sources | None" = None
    """What the network was trained on; goes with `model`."""
    text_config: Path | None = None
    """YAML of its text encoder."""
    towers: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    """Image-text expert -> YAML of its text tower."""
    dims: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Length of the vectors of each of these experts."""
    weights: Mapping[str, str | bool] = dataclasses.field(default_factory=dict)
    """Where the text encoder's weights are: the options of `pipeline.weights`."""


def build_index(made_from: Ingredients, settings: IndexSettings, folder: Path, recipe: Recipe) -> None:
    """Fills `folder`, and marks it as finished."""
    shutil.rmtree(folder, ignore_errors=True)  # what a kill left
    folder.mkdir(parents=True)
    videos = [video for video in made_from.manifest.videos if not video.problem or video.problem == MISSING]
    counts = {name: store.rows(path) for name, path in made_from.stores.items()}
    entries = tuple(_entry(made_from, video, counts) for video in videos)
    fulltext.build(folder / "words.sqlite", heard.read_words(made_from.stores, made_from.key, videos))
    facts = Facts(
        dataset=made_from.manifest.dataset,
        root=str(made_from.manifest.root),
        modalities=made_from.modalities,
        entries=entries,
        towers={name: path.stem for name, path in made_from.towers.items()},
        weights=dict(made_from.weights),
    )
    (folder / "text").mkdir()
    for expert, text_config in made_from.towers.items():
        keys = [made_from.key(expert, video) for video in videos]
        features = parts.read(made_from.stores[expert], keys, made_from.dims[expert])
        frames.save(folder, expert, features, heard.read_times(made_from.stores[expert], keys))
        shutil.copy(text_config, folder / "text")
    if made_from.model and made_from.sources and made_from.text_config:
        from models.checkpoint import MODEL

        _write_vectors(made_from.sources, made_from.model, videos, settings, folder)
        (folder / index_folder.MODEL).mkdir()
        # A copy: the run may be collected as garbage while the index is still asked.
        shutil.copy(made_from.model / MODEL, folder / index_folder.MODEL)
        shutil.copy(made_from.text_config, folder / "text")
        facts = dataclasses.replace(facts, is_trained=True, text=made_from.text_config.stem)
        np.save(folder / CALIBRATION, _best_of_captions(Experts(folder, facts)))
    index_folder.write_facts(folder, facts)
    store.write_recipe(folder, recipe)


def _best_of_captions(experts: Experts) -> NDArray[np.float32]:
    """The best similarity in the collection of some captions that the model was not trained on."""
    asked = [text for entry in experts.facts.entries if entry.split == "val" for text in entry.captions]
    chosen = asked[:: -(-len(asked) // CALIBRATION_CAPTIONS)] if asked else []
    return np.array([experts.videos.scores(experts.query(text)).max() for text in chosen], np.float32)


def _entry(made_from: Ingredients, video: Video, rows: Mapping[str, Mapping[str, store.Row]]) -> Entry:
    seen = [name for name, known in rows.items() if (row := known.get(made_from.key(name, video))) and row.count]
    return Entry(
        key=index_folder.key_of(video.video_id),
        video_id=video.video_id,
        duration_s=video.duration_s,
        split=video.split,
        playable=not video.problem and video.has_video,
        experts=tuple(seen),
        captions=tuple(caption.text for caption in video.captions),
    )


def _write_vectors(
    sources: "Sources", model: Path, videos: Sequence[Video], settings: IndexSettings, folder: Path
) -> None:
    from models.checkpoint import load_model
    from search import moments

    network = load_model(model)
    keys = {expert.name: [sources.key(expert.name, video) for video in videos] for expert in sources.experts}
    features = {
        expert.name: parts.read(sources.stores[expert.name], keys[expert.name], expert.dim)
        for expert in sources.experts
    }
    times = {name: heard.read_times(sources.stores[name], keys[name]) for name in features}
    cut = moments.cut(features, times, settings.moment_s)
    _embed(network, sources, features, folder / "videos")
    _embed(network, sources, cut.features, folder / "moments")
    if len(videos) >= settings.approximate_from:
        from search import approximate

        approximate.build(folder / "approximate", vectors.load(folder / "videos", [e.name for e in network.experts]))
    np.savez(folder / "moments.npz", starts_s=cut.starts_s, offsets=cut.offsets)


def _embed(network: object, sources: "Sources", features: dict[str, Ragged], folder: Path) -> None:
    from models.batches import Collection, Data
    from models.ce import CE
    from models.evaluate import embed_videos

    assert isinstance(network, CE)
    no_captions = Ragged(np.zeros((0, sources.text.dim), np.float32), np.zeros(1, np.int64))
    collection = Collection(sources.experts, sources.text, features, no_captions, np.zeros(0, np.int64))
    data = Data(collection, next(network.parameters()).device, network.settings.mask_padding)
    embedded = embed_videos(network, data)
    names = [expert.name for expert in network.experts]
    vectors.save(folder, names, [one.numpy() for one in embedded.vectors], embedded.weights.numpy() > 0)
