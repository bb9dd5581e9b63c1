"""What is exported: the features of videos, and what is known of the expert that they are of."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.datasets.video import Video
from pipeline.stores.fingerprint import Recipe, canonical
from pipeline.stores.parts import Features

LABELS = ("labels", "label_scores")
"""Extras of a classifier, which stand beside the vectors and do not replace them."""


@dataclass(frozen=True)
class VideoFeatures:
    """The features of one video."""

    video: str
    """Its id, the path below the dataset's folder."""
    content: str
    """Its key in the manifest: a hash of its content, by which the same video is found in another dataset."""
    features: Features
    clip: Mapping[str, str | float] = field(default_factory=dict)
    """Where it lies in its file, as `clip_of` tells; empty where the dataset has no clips."""


@dataclass(frozen=True)
class Source:
    """The expert of one dataset that features are exported of."""

    dataset: str
    expert: str
    dim: int
    """D of the features."""
    modality: str = ""
    model: str = ""
    """The network, or the extractor where there is none."""
    fingerprint: str = ""
    """Of the recipe."""
    recipe: Recipe = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)
    """Part of the network -> sha256 or other identity of its weights."""
    licences: str = ""
    """Of the weights, with commas between; empty where they are not stated or there are none."""

    @property
    def facts(self) -> dict[str, str]:
        """All of it as texts, in which what has parts is JSON: the metadata of a table or a folder."""
        return {
            "dataset": self.dataset,
            "expert": self.expert,
            "modality": self.modality,
            "dim": str(self.dim),
            "model": self.model,
            "weights": json.dumps(dict(self.weights), sort_keys=True),
            "licences": self.licences,
            "recipe_fingerprint": self.fingerprint,
            "recipe": canonical(self.recipe),
        }


def clip_of(video: Video) -> dict[str, str | float]:
    """`file`, `clip_start_s`, `clip_end_s`: where a video lies in its file; that of a whole one is itself."""
    start_s = video.start_s
    return {"file": video.file or video.video_id, "clip_start_s": start_s, "clip_end_s": start_s + video.duration_s}


def with_label_names(features: Features, names: Sequence[str]) -> Features:
    """The features with the name of each label in place of its index; as they are where there are no labels."""
    if "labels" not in features.extras:
        return features
    named = np.array(names, np.str_)[features.extras["labels"].astype(np.int64)]
    return dataclasses.replace(features, extras={**features.extras, "labels": named})
