"""Writes the index of a collection: its videos, the words in them, and, with a trained model, their vectors."""

import dataclasses
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.manifest import MISSING, Manifest, Video
from pipeline.errors import PipelineError
from pipeline.stores import atomic, recipes, store
from pipeline.stores.fingerprint import Recipe
from pipeline.stores.parts import Reader
from search.building import embed, expert_words
from search.config import IndexSettings
from search.engines import frames, fulltext
from search.engines.experts import CALIBRATION, Experts
from search.index import folder as index_folder
from search.index import vectors, videos
from search.index.folder import Facts
from search.index.previous_vectors import VIDEOS
from search.index.videos import Entry

if TYPE_CHECKING:
    from models.inputs.load import Sources

VERSION = 6
"""Raised by hand when an index is written in another way."""

CALIBRATION_CAPTIONS = 200
NUM_EXAMPLES = 5


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
    """Where the text encoder's weights are: as `WeightOptions` has it."""


@dataclass(frozen=True)
class Built:
    """What there was to do."""

    num_videos: int
    num_embedded: int
    """So many of them went through the network; 0 without one."""


def build_index(made_from: Ingredients, settings: IndexSettings, folder: Path, recipe: Recipe) -> Built:
    """Makes `folder`, which is there whole or not at all."""
    listed = [video for video in made_from.manifest.videos if not video.problem or video.problem == MISSING]
    if not listed:
        raise PipelineError(f"{made_from.manifest.dataset}: none of its videos can be read, so there is no index")
    temporary = folder.with_name(f"{atomic.TEMPORARY}{uuid.uuid4().hex[:8]}-{folder.name}")
    temporary.mkdir(parents=True)
    try:
        embedded = _fill(made_from, listed, settings, temporary)
        recipes.write_recipe(temporary, recipe)
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Built(len(listed), embedded)


def _fill(made_from: Ingredients, listed: Sequence[Video], settings: IndexSettings, folder: Path) -> int:
    """All of an index; how many videos went through the network."""
    facts = _write_videos(made_from, listed, folder)
    fulltext.build(folder / "words.sqlite", expert_words.read_words(made_from.stores, made_from.key, listed))
    (folder / "text").mkdir()
    for expert, text_config in made_from.towers.items():
        keys = [made_from.key(expert, video) for video in listed]
        frames.save(folder, expert, Reader(made_from.stores[expert]), made_from.dims[expert], keys)
        shutil.copy(text_config, folder / "text")
    embedded = 0
    if made_from.model and made_from.sources and made_from.text_config:
        from models.training.checkpoint import MODEL

        embedded = _write_vectors(made_from.sources, made_from.model, listed, settings, folder)
        (folder / index_folder.MODEL).mkdir()
        # A copy: the run may be collected as garbage while the index is still asked.
        shutil.copy(made_from.model / MODEL, folder / index_folder.MODEL)
        shutil.copy(made_from.text_config, folder / "text")
        facts = dataclasses.replace(facts, is_trained=True, text=made_from.text_config.stem)
        np.save(folder / CALIBRATION, _best_of_captions(Experts(folder, facts), listed))
    index_folder.write_facts(folder, facts)
    return embedded


def _write_videos(made_from: Ingredients, listed: Sequence[Video], folder: Path) -> Facts:
    """A row for each video; what they come to."""
    rows = {name: store.rows(path) for name, path in made_from.stores.items()}
    seen = dict.fromkeys(made_from.stores, 0)

    def entries() -> Iterator[Entry]:
        for video in listed:
            entry = _entry(made_from, video, rows)
            for name in entry.experts:
                seen[name] += 1
            yield entry

    videos.write(folder, entries(), tuple(made_from.stores))
    return Facts(
        dataset=made_from.manifest.dataset,
        root=str(made_from.manifest.root),
        modalities=made_from.modalities,
        num_videos=len(listed),
        longest_s=max(video.duration_s for video in listed),
        seen=seen,
        examples=_examples(listed),
        towers={name: path.stem for name, path in made_from.towers.items()},
        weights=dict(made_from.weights),
    )


def _examples(listed: Sequence[Video]) -> tuple[str, ...]:
    """Up to five short captions, spread over the videos of the test split."""
    tested = [video for video in listed if video.split == "test" and video.captions]
    chosen = tested[:: max(1, len(tested) // NUM_EXAMPLES)][:NUM_EXAMPLES]
    return tuple(dict.fromkeys(min((one.text for one in video.captions), key=len) for video in chosen))


def _best_of_captions(experts: Experts, listed: Sequence[Video]) -> NDArray[np.float32]:
    """The best similarity in the collection of some captions that the model was not trained on."""
    asked = [caption.text for video in listed if video.split == "val" for caption in video.captions]
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
    sources: "Sources", model: Path, listed: Sequence[Video], settings: IndexSettings, folder: Path
) -> int:
    from models.training.checkpoint import MODEL, load_model

    network = load_model(model)
    network.check_vector_per_expert("a search index")
    made = embed.recipe(sources, model / MODEL, settings.moment_s)
    embedded = embed.write(network, sources, listed, folder, made)
    if len(listed) >= settings.approximate_from:
        from search.engines import approximate

        names = [expert.name for expert in network.experts]
        approximate.build(folder / "approximate", vectors.load(folder / VIDEOS, names))
    return embedded
