"""Builds the index of a collection: its videos, their words and, with a trained model, their embeddings."""

import dataclasses
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.manifest import Manifest, Video
from pipeline.errors import PipelineError
from pipeline.running.cpu import on_one_thread, without_collection
from pipeline.stores import atomic, places, recipes, store
from pipeline.stores.fingerprint import Recipe
from pipeline.stores.keys import Keys
from pipeline.stores.parts import Reader
from pipeline.stores.row_table import Held
from pipeline.weights.files import WeightOptions
from search.building import embed, expert_labels, words
from search.building.expert_rows import ExpertRows
from search.building.overview import of_collection, of_expert
from search.config import IndexSettings
from search.engines import label_words, labels
from search.engines.experts import CALIBRATION, Experts
from search.index import folder as index_folder
from search.index import made_of, overview, vectors, videos
from search.index.folder import Facts
from search.index.vectors import VIDEOS
from search.index.videos import Entry

if TYPE_CHECKING:
    from models.inputs.load import Sources
    from models.zero_shot.stored import LabelSources

VERSION = 12
"""To be raised by hand whenever a change of the code changes the index."""

CALIBRATION_CAPTIONS = 200
NUM_EXAMPLES = 5


@dataclass(frozen=True)
class Ingredients:
    """All inputs of an index."""

    manifest: Manifest
    stores: dict[str, Path]
    """Expert -> store of its features."""
    modalities: dict[str, str]
    """Expert -> modality."""
    key: Callable[[str, Video], str]
    """(expert, video) -> key of the video's row in the store of the expert."""
    model: Path | None = None
    """Folder of the trained network; None: an index without one."""
    sources: "Sources | None" = None
    """Sources that the network was trained on; required with `model`."""
    text_config: Path | None = None
    """YAML of the network's text encoder; required with `model`."""
    towers: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    """Image-text expert -> YAML of its text tower."""
    dims: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Expert -> length of its vectors."""
    experts: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    """Expert -> its YAML, by which the index shows it an example; without those that were imported."""
    recipes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Expert -> fingerprint of its recipe."""
    encoders: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Name of the YAML of each text encoder -> fingerprint of its recipe."""
    labels: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    """Classifier that keeps labels -> the names of its classes."""
    label_words: "LabelSources | None" = None
    """Names and sentence vectors of what classifiers recognised; None: an index without label words."""
    sentence_config: Path | None = None
    """YAML of the sentence encoder; required with `label_words`."""
    weights: WeightOptions = dataclasses.field(default_factory=WeightOptions)
    """Where the weights of text encoders are."""


@dataclass(frozen=True)
class Built:
    """Numbers of videos in a new index."""

    num_videos: int
    num_embedded: int
    """Number of videos that went through the network; 0 without one."""


def build_index(
    ingredients: Ingredients,
    settings: IndexSettings,
    folder: Path,
    recipe: Recipe,
    finish: Callable[[Path], None] = lambda path: None,
) -> Built:
    """Builds the index in `folder`, atomically. `finish` may add files to it, and is given where it lies until then.

    Raises PipelineError when no video is readable, ConfigError when the network has no vector for each expert.
    """
    listed = [video for video in ingredients.manifest.videos if not video.problem or video.is_missing]
    if not listed:
        raise PipelineError(f"{ingredients.manifest.dataset}: none of its videos can be read, so there is no index")
    temporary = atomic.temporary(folder)
    temporary.mkdir(parents=True)
    try:
        embedded = _fill(ingredients, listed, settings, temporary)
        finish(temporary)
        files = [path for path in temporary.rglob("*") if path.is_file()]
        recipes.write_recipe(temporary, recipe, files=files)
        places.publish(temporary, folder, replace=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Built(len(listed), embedded)


def _fill(ingredients: Ingredients, listed: Sequence[Video], settings: IndexSettings, folder: Path) -> int:
    """Writes all files of an index; returns the number of videos that went through the network."""
    keys = {name: [ingredients.key(name, video) for video in listed] for name in ingredients.stores}
    with without_collection():
        facts = _write_videos(ingredients, listed, keys, folder)
        words.write(folder, VERSION, ingredients.stores, keys)
    if ingredients.labels:
        seen = expert_labels.read_labels(ingredients.stores, ingredients.labels, ingredients.key, listed)
        labels.build(folder / labels.FILE, ingredients.labels, seen)
    _write_rows(ingredients, keys, folder)
    (folder / "text").mkdir()
    for text_config in ingredients.towers.values():
        shutil.copy(text_config, folder / "text")
    if ingredients.label_words and ingredients.sentence_config:
        for expert in ingredients.label_words.classifiers:
            label_words.save(folder, expert, ingredients.label_words, Reader(ingredients.stores[expert]), keys[expert])
        shutil.copy(ingredients.sentence_config, folder / "text")
    embedded = 0
    if ingredients.model and ingredients.sources and ingredients.text_config:
        from models.training.checkpoint_file import MODEL

        embedded = _write_vectors(ingredients, listed, settings, folder)
        (folder / index_folder.MODEL).mkdir()
        # A copy, since CollectGarbage may delete the training while the index is in use.
        shutil.copy(ingredients.model / MODEL, folder / index_folder.MODEL)
        shutil.copy(ingredients.text_config, folder / "text")
        facts = dataclasses.replace(facts, is_trained=True, text=ingredients.text_config.stem)
        np.save(folder / CALIBRATION, _calibration(Experts(folder, facts, ingredients.weights), listed))
    index_folder.write_facts(folder, facts)
    return embedded


def _write_rows(ingredients: Ingredients, keys: Mapping[str, Sequence[str]], folder: Path) -> None:
    """Writes what is kept of the rows of each expert: for a map, for examples, and for texts that its tower reads.

    Beside them the YAMLs of the experts that can be shown an example.
    """
    for name, path in ingredients.stores.items():
        rows = ExpertRows(name, ingredients.modalities[name], path, ingredients.dims[name], keys[name])
        rows.write(folder)
        if name in ingredients.towers:
            rows.write_for_texts(folder, VERSION)
    (folder / index_folder.EXPERTS).mkdir()
    for expert_config in ingredients.experts.values():
        shutil.copy(expert_config, folder / index_folder.EXPERTS)


def _write_videos(
    ingredients: Ingredients, listed: Sequence[Video], keys: Mapping[str, Sequence[str]], folder: Path
) -> Facts:
    """Writes a row for each video, and of which rows of the stores it is made; returns the facts of the index."""
    present, told = {}, {}
    for name, path in ingredients.stores.items():
        held = Held(store.table(path), Keys(keys[name]))
        present[name], told[name] = held.is_present, of_expert(held, keys[name], listed, ingredients.manifest.root)
    made_of.write(folder, VERSION, ingredients.stores, keys, present)
    overview.write(folder, of_collection(told, ingredients.manifest.videos, ingredients.manifest.root))
    num_videos = dict.fromkeys(ingredients.stores, 0)

    def entries() -> Iterator[Entry]:
        for place, video in enumerate(listed):
            entry = _entry(video, [name for name, there in present.items() if there[place]])
            for name in entry.experts:
                num_videos[name] += 1
            yield entry

    videos.write(folder, entries(), tuple(ingredients.stores))
    return Facts(
        dataset=ingredients.manifest.dataset,
        modalities=ingredients.modalities,
        num_videos=len(listed),
        longest_s=max(video.duration_s for video in listed),
        seen=num_videos,
        examples=_examples(listed),
        towers={name: path.stem for name, path in ingredients.towers.items()},
        encoders=dict(ingredients.encoders),
        labelled=tuple(ingredients.labels),
        sentences=ingredients.sentence_config.stem if ingredients.sentence_config else "",
        seeded=ingredients.weights.seeded,
        recipes=dict(ingredients.recipes),
        compared=tuple(ingredients.stores),
        late=tuple(ingredients.towers),
    )


def _examples(listed: Sequence[Video]) -> tuple[str, ...]:
    """At most NUM_EXAMPLES short captions, spread over the test split, as example queries."""
    captioned = [video for video in listed if video.split == "test" and video.captions]
    chosen = captioned[:: max(1, len(captioned) // NUM_EXAMPLES)][:NUM_EXAMPLES]
    return tuple(dict.fromkeys(min((caption.text for caption in video.captions), key=len) for video in chosen))


def _calibration(experts: Experts, listed: Sequence[Video]) -> NDArray[np.float32]:
    """The highest score in the collection of each of at most CALIBRATION_CAPTIONS validation captions."""
    captions = [caption.text for video in listed if video.split == "val" for caption in video.captions]
    chosen = captions[:: -(-len(captions) // CALIBRATION_CAPTIONS)] if captions else []
    with on_one_thread():
        return np.array([experts.videos.scores(experts.query(text)).max() for text in chosen], np.float32)


def _entry(video: Video, experts: Sequence[str]) -> Entry:
    return Entry(
        key=index_folder.key_of(video.video_id),
        video_id=video.video_id,
        duration_s=video.duration_s,
        split=video.split,
        playable=not video.problem and video.has_video,
        experts=tuple(experts),
        captions=tuple(caption.text for caption in video.captions),
        clip_of=video.file,
        start_s=video.start_s,
    )


def _write_vectors(ingredients: Ingredients, listed: Sequence[Video], settings: IndexSettings, folder: Path) -> int:
    """Writes the embeddings of videos and moments; returns the number of videos that went through the network."""
    from models.training.checkpoint import load_model
    from models.training.checkpoint_file import MODEL

    sources, model = ingredients.sources, ingredients.model
    assert sources and model, "the caller asked for them"
    network = load_model(model)
    network.check_vector_per_expert("a search index")
    vectors_recipe = embed.recipe(sources, model / MODEL, settings.moment_s)
    embedded = embed.write(network, sources, listed, folder, vectors_recipe, ingredients.label_words)
    if len(listed) >= settings.approximate_from:
        from search.engines import approximate

        names = [expert.name for expert in network.experts]
        approximate.build(folder / "approximate", vectors.load(folder / VIDEOS, names))
    return embedded
