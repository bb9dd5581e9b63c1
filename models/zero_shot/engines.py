"""The untrained engines of a split: for each the (C, V) scores of all captions for all videos.

C captions, V videos.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from models.fusion.fixed import Start
from models.inputs.aligned import Aligned, Floats
from models.inputs.load import Sources, Split, Tower, collect
from models.zero_shot.aligned import Pool, aligned, calibration_splits, cosines, fused
from models.zero_shot.few_vectors import MOST_VECTORS, few_vectors
from models.zero_shot.label_words import scores
from models.zero_shot.late_interaction import maxsim
from models.zero_shot.stored import LabelSources, text_vectors, token_vectors, top_labels
from pipeline.stores.parts import Reader

LABEL_WORDS, FUSION = "label_words", "fusion"
"""Names of the engine of label words, pooled as configs/search.yaml says, and of the fusion."""
WEIGHED = f"{FUSION}.weights"
"""Name of the fusion with the best fixed weights of the training split, where they find more there than even ones."""
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
    sources: Sources, data: Split, labels: LabelSources | None, start: Start | None = None, device: str = "cpu"
) -> Iterator[Engine]:
    """Those of a split, one at a time: each text-aligned expert twice, label words twice, and their fusions.

    An expert whose tokens are among the sources has a third, by late interaction, computed on the `device`.
    `labels`: None without label words. `start`: what `started` gives, where the training split is not `train`.
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
    if begun := start or started(sources, labels):
        yield from _fusions(aligned(sources, data, labels), begun, _readers(sources, labels))


def started(sources: Sources, labels: LabelSources | None, train_splits: Sequence[str] = ("train",)) -> Start | None:
    """Calibrations and fixed weights of the aligned experts, by their training splits; None where less than two are.

    Weights are even where no training split has captions: what calibrates in its place may be the evaluated split.
    """
    if len({*sources.towers, *(labels.classifiers if labels else ())}) < 2:
        return None
    chosen = calibration_splits(sources.manifest, train_splits)
    train = collect(sources, *chosen)
    found = Start.of(aligned(sources, train, labels), train.collection.caption_video)
    return found if "train" in chosen else found.even()


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


def _readers(sources: Sources, labels: LabelSources | None) -> str:
    texts = [tower.name for tower in sources.towers.values()] + ([labels.settings.text] if labels else [])
    return ", ".join(dict.fromkeys(texts))


def _fusions(pairs: Mapping[str, Aligned], start: Start, text: str) -> Iterator[Engine]:
    """By even weights; and by the fixed ones of the start, where they are others."""
    experts, label = tuple(pairs), f"zero-shot by {' and '.join(pairs)}"
    note = f"by the mean of the calibrated scores of {', '.join(pairs)}"
    yield Engine(FUSION, label, experts, text, note, fused(pairs, start.calibrations))
    if not start.is_even:
        weights = ", ".join(f"{start.weights[name]:.2f}" for name in pairs)
        scores = fused(pairs, start.calibrations, start.weights)
        yield Engine(WEIGHED, f"{label}, fixed weights", experts, text, f"{note} with the weights {weights}", scores)
