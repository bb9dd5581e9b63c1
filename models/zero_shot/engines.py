"""The untrained engines of a split: for each the (C, V) scores of all captions for all videos.

C captions, V videos.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from models.inputs.aligned import Calibration, Floats
from models.inputs.load import Sources, Split, Tower, collect
from models.zero_shot.aligned import Pool, aligned, calibration_splits, cosines, fused
from models.zero_shot.few_vectors import MOST_VECTORS, few_vectors
from models.zero_shot.label_words import scores
from models.zero_shot.late_interaction import maxsim
from models.zero_shot.stored import LabelSources, text_vectors, token_vectors, top_labels
from pipeline.stores.parts import Reader

LABEL_WORDS, FUSION = "label_words", "fusion"
"""Names of the engine of label words, pooled as configs/search.yaml says, and of the fusion."""
_POOLS: tuple[Pool, ...] = ("mean", "best")
LATE = "late interaction"
_OF = {"mean": "mean of rows", "best": "best row"}


@dataclass(frozen=True)
class Engine:
    """One way to rank without training."""

    name: str
    """clip.mean, clip.best, clip.late, label_words, label_words.mean, fusion."""
    label: str
    """For a table: "zero-shot by clip, mean of rows"."""
    experts: tuple[str, ...]
    text: str
    """Names of the text encoders that read the captions, with commas between."""
    note: str
    """What is compared with what, as the end of a sentence."""
    scores: Floats
    """(C, V)"""


def engines(
    sources: Sources,
    data: Split,
    labels: LabelSources | None,
    train_splits: Sequence[str] = ("train",),
    device: str = "cpu",
) -> Iterator[Engine]:
    """Those of a split, one at a time: each text-aligned expert twice, label words twice, and their fusion.

    An expert whose tokens are among the sources has a third, by late interaction, computed on the `device`.
    `labels`: None without label words. `train_splits`: by which the scores are calibrated before they are fused.
    Nothing comes where no expert is aligned with text; a fusion where at least two are.
    """
    for expert, tower in sources.towers.items():
        texts, rows = text_vectors(tower.store, data.captions, tower.dim), data.collection.features[expert]
        for pool in _POOLS:
            note = f"by {tower.name} with what {expert} saw of a video, {_OF[pool]}"
            name, label = f"{expert}.{pool}", f"zero-shot by {expert}, {_OF[pool]}"
            yield Engine(name, label, (expert,), tower.name, note, cosines(texts, rows, pool))
        if expert in sources.tokens:
            yield _late(expert, sources.tokens[expert], data, device)
    if labels:
        yield from _label_words(sources, data, labels)
    yield from _fusion(sources, data, labels, train_splits)


def _late(expert: str, tower: Tower, data: Split, device: str) -> Engine:
    """MaxSim between the captions' tokens and few vectors of each video."""
    tokens = token_vectors(tower.store, data.captions, tower.dim)
    videos = few_vectors(data.collection.features[expert])
    how = "token by token" if (tokens.counts > 1).any() else "as one vector"
    note = f"{how} by {tower.name} with the nearest of at most {MOST_VECTORS} vectors of what {expert} saw of a video"
    label, scores = f"zero-shot by {expert}, {LATE}", maxsim(tokens, videos, device)
    return Engine(f"{expert}.late", label, (expert,), tower.name, note, scores)


def caption_scores(sources: Sources, data: Split, labels: LabelSources) -> Floats:
    """(C, V) scores of every caption of a split for every video, by label words."""
    tops = []
    for expert, classes in labels.classifiers.items():
        keys = [sources.key(expert, video) for video in data.videos]
        tops.append(top_labels(Reader(sources.stores[expert]), keys, classes.keep))
    vectors = [labels.labels(expert) for expert in labels.classifiers]
    return scores(labels.vectors(data.captions), vectors, tops, labels.settings)


def _label_words(sources: Sources, data: Split, labels: LabelSources) -> Iterator[Engine]:
    experts, text = tuple(labels.classifiers), labels.settings.text
    label, note = (
        "zero-shot by label words",
        f"by {text} with the names of what {', '.join(experts)} recognised in a video",
    )
    yield Engine(LABEL_WORDS, label, experts, text, note, caption_scores(sources, data, labels))
    other: Pool = "mean" if labels.settings.pool == "max" else "best"
    pooled = replace(labels, settings=replace(labels.settings, pool="max" if other == "best" else "mean"))
    scored, of = caption_scores(sources, data, pooled), _OF[other]
    yield Engine(f"{LABEL_WORDS}.{other}", f"{label}, {of}", experts, text, f"{note}, {of}", scored)


def _fusion(
    sources: Sources, data: Split, labels: LabelSources | None, train_splits: Sequence[str]
) -> Iterator[Engine]:
    pairs = aligned(sources, data, labels)
    if len(pairs) < 2:
        return
    train = collect(sources, *calibration_splits(sources.manifest, train_splits))
    of_train, owners = aligned(sources, train, labels), train.collection.caption_video
    calibrations = {name: Calibration.of(pair, owners) for name, pair in of_train.items()}
    note = f"by the mean of the calibrated scores of {', '.join(pairs)}"
    texts = [tower.name for tower in sources.towers.values()] + ([labels.settings.text] if labels else [])
    scores, label = fused(pairs, calibrations), f"zero-shot by {' and '.join(pairs)}"
    yield Engine(FUSION, label, tuple(pairs), ", ".join(dict.fromkeys(texts)), note, scores)
