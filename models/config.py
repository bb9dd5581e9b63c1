"""What configs/models/<name>.yaml says: the experts, the network, its training. Reading it needs no torch."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from models.network_inputs import TextInput
from pipeline import config
from pipeline.errors import ConfigError
from pipeline.stores.fingerprint import Recipe

MODELS = Path("configs/models")
Gating: TypeAlias = Literal["sequential", "parallel", "triplet", "star", "none", "moee", "concat", "concat_mix"]
RELATIONS: dict[Gating, int] = {"sequential": 2, "parallel": 2, "triplet": 3, "star": 2}
"""Gating by relations between experts -> how many stand in one."""


@dataclass(frozen=True)
class ExpertPool:
    """NetVLAD over the first `max_tokens` vectors of an expert, in place of what the expert's own YAML says."""

    __pydantic_config__ = config.STRICT
    clusters: int
    max_tokens: int

    def __post_init__(self) -> None:
        if self.clusters < 1 or self.max_tokens < 1:
            raise ValueError("pools: clusters and max_tokens must be at least 1")


@dataclass(frozen=True)
class TextPool:
    """How the token vectors of a caption become one vector: NetVLAD over the first `max_tokens`."""

    __pydantic_config__ = config.STRICT
    clusters: int
    """0: the one vector of a sentence encoder as it is, without NetVLAD."""
    ghost_clusters: int
    """Clusters that take what means nothing, and are then dropped."""
    max_tokens: int

    def __post_init__(self) -> None:
        if self.clusters < 0 or self.max_tokens < 1 or self.ghost_clusters < 0:
            raise ValueError("text_pool needs max_tokens of at least 1, clusters and ghost_clusters of at least 0")
        if not self.clusters and (self.max_tokens > 1 or self.ghost_clusters):
            raise ValueError("text_pool.clusters: 0 takes one vector as it is; set max_tokens: 1 and ghost_clusters: 0")


@dataclass(frozen=True)
class Architecture:
    """The network."""

    __pydantic_config__ = config.STRICT
    shared_dim: int
    """D of the space that all experts are projected to; moee, concat and concat_mix have none and ignore it."""
    gating: Gating
    """sequential: as released, later experts see the earlier ones already gated; parallel: the paper's formula;
    triplet: as sequential, an expert beside two others; star: beside the mean of all; none: projection only;
    moee: no projection either. The baselines make one vector of all experts, and ignore `mixture`: concat puts them one
    after another and learns only the pooling; concat_mix gates the whole, beside a caption of the same length."""
    activation: Literal["mish", "relu"]
    batch_norm: bool
    """In the reasoning between pairs of experts."""
    mask_padding: bool
    """False: as released, zero padding takes part in NetVLAD, so that max_tokens changes the scores."""
    standardise: bool = False
    """Shift and scale each feature to mean 0 and deviation 1 over the training videos; False: as released."""
    mixture: Literal["learned", "uniform"] = "learned"
    """How much each expert counts for a caption."""
    num_g_layers: int = 3
    """Linear layers from a pair of experts to their relation."""
    num_h_layers: int = 0
    """Linear layers from an expert's mean relation to its gate."""
    include_self: bool = True
    """Whether an expert is also paired with itself."""

    def __post_init__(self) -> None:
        if self.shared_dim < 1:
            raise ValueError("architecture.shared_dim must be at least 1")
        if self.num_g_layers < 1 or self.num_h_layers < 0:
            raise ValueError("architecture.num_g_layers must be at least 1 and num_h_layers at least 0")
        if self.num_h_layers and self.gating not in RELATIONS:
            raise ValueError(f"architecture.num_h_layers needs gating: {', '.join(RELATIONS)}, not {self.gating}")
        if self.standardise and not self.mask_padding:
            raise ValueError("architecture.standardise needs mask_padding: true, for it would shift the padding too")

    @property
    def vector_per_expert(self) -> bool:
        """Whether each expert keeps a vector of its own, so that a score is a sum over the experts."""
        return not self.gating.startswith("concat")

    def check_number(self, experts: int) -> None:
        """ConfigError when so few experts take part that one would have no relation to others."""
        fewest = 1 if self.include_self or self.gating == "star" else RELATIONS.get(self.gating, 1)
        if experts < fewest:
            told = f"gating: {self.gating} needs {fewest} experts or more"
            raise ConfigError(f"architecture.include_self: false with {told}; set it to true")


@dataclass(frozen=True)
class Training:
    """How the network learns; all of it but `seeds` decides the result."""

    __pydantic_config__ = config.STRICT
    batch_size: int
    """Videos, each with one of its captions."""
    epochs: int
    learning_rate: float
    weight_decay: float
    optimizer: Literal["ranger", "radam", "adamw"]
    schedule: Literal["step", "cosine"]
    """step: times `gamma` after each epoch; cosine: down to 0 at the last one."""
    loss: Literal["margin", "infonce"]
    gamma: float | None = None
    margin: float | None = None
    """margin only: how much better than a wrong pair the right one must score."""
    temperature: float | None = None
    """infonce only: where the learned temperature starts."""
    teachers: tuple[str, ...] = ()
    """Other models in configs/models/, e.g. with other text encoders: they are trained first, with the same seed, and
    their mean score of every pair is learned too (TeachText: Croitoru et al., ICCV 2021)."""
    worst_rank: int | None = None
    """With teachers: captions whose video they put, on average, behind this place among the training videos are taken
    for noise, and left out; null: none is."""
    selection: Literal["validation", "last", "test"] = "validation"
    """Which epoch is kept. validation: the best one on the validation split; last: the last one; test: the best one on
    the test split, which makes the result look better than it is. The last two are how some results were published;
    having no use for a validation split, they train on it too."""
    ema: float | None = None
    """Decay of the running mean of the weights that is evaluated and kept; null: the weights themselves."""
    seeds: tuple[int, ...] = (0, 1, 2)

    def __post_init__(self) -> None:
        if self.batch_size < 2 or self.epochs < 1 or self.learning_rate <= 0 or self.weight_decay < 0:
            raise ValueError("training needs batch_size >= 2, epochs >= 1, learning_rate > 0, weight_decay >= 0")
        self._check_pair("loss", "margin", "margin", self.margin)
        self._check_pair("loss", "infonce", "temperature", self.temperature)
        self._check_pair("schedule", "step", "gamma", self.gamma)
        if self.ema is not None and not 0 < self.ema < 1:
            raise ValueError("training.ema must be between 0 and 1, or null for none")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError("training.seeds must name at least one seed, and none twice")
        if len(set(self.teachers)) < len(self.teachers):
            raise ValueError("training.teachers names a model twice")
        if self.worst_rank is not None and (not self.teachers or self.worst_rank < 1):
            raise ValueError("training.worst_rank must be at least 1 and needs teachers, which rank the captions")

    def _check_pair(self, key: str, choice: str, setting: str, value: float | None) -> None:
        """A setting that one choice needs and the others would silently ignore."""
        chosen = getattr(self, key)
        if chosen == choice and (value is None or value <= 0):
            raise ValueError(f"training.{setting} must be above 0 with {key}: {choice}")
        if chosen != choice and value is not None:
            raise ValueError(f"training.{setting} belongs to {key}: {choice}; remove it, or change {key}: {chosen}")


@dataclass(frozen=True)
class Runtime:
    """Speed only, never fingerprinted."""

    __pydantic_config__ = config.STRICT
    device: str = "auto"
    """auto, cpu, cuda, or cuda:<n>; auto: a GPU where there is one."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Of the matrix products; auto: bf16 on a GPU that has it, else fp32."""
    threads: int | None = None
    """CPU threads; null: one per core. A small network is faster on one, and on a busy machine several times faster."""
    checkpoint_s: float = 30.0
    """Write what a killed training resumes from after an epoch that ends this long after the last writing."""

    def __post_init__(self) -> None:
        if self.device not in {"auto", "cpu"} and not self.device.startswith("cuda"):
            raise ValueError(f"runtime.device must be auto, cpu, cuda or cuda:<n>, not {self.device!r}")
        if self.threads is not None and self.threads < 1:
            raise ValueError("runtime.threads must be at least 1, or null")
        if self.device == "cpu" and self.precision == "fp16":
            raise ValueError("runtime.precision: fp16 needs a GPU; with device: cpu set fp32 or bf16")


@dataclass(frozen=True)
class ModelConfig:
    """configs/models/<name>.yaml"""

    __pydantic_config__ = config.STRICT
    experts: tuple[str, ...]
    """Names of files in configs/experts/, in any order."""
    text: str
    """Name of a file in configs/text/."""
    text_pool: TextPool
    architecture: Architecture
    training: Training
    pools: dict[str, ExpertPool] = field(default_factory=dict)
    """Expert -> how it is pooled here; the others as their YAMLs say."""
    runtime: Runtime = field(default_factory=Runtime)

    def __post_init__(self) -> None:
        for name in self.pools:
            if name not in self.experts:
                raise ValueError(f"pools: {name} is none of the experts")
        if not self.experts or len(set(self.experts)) < len(self.experts):
            raise ValueError("experts must name at least one expert, and none twice")
        self.architecture.check_number(len(self.experts))

    def text_input(self, dim: int) -> TextInput:
        """What the network is given of a caption whose token vectors have length `dim`."""
        pool = self.text_pool
        return TextInput(dim, pool.clusters, pool.ghost_clusters, pool.max_tokens)


def load(name: str, folder: Path = MODELS) -> ModelConfig:
    """The model called `name`."""
    return config.load(ModelConfig, config.choose(folder, name))


def recipe(settings: ModelConfig) -> Recipe:
    """What decides a trained model, as plain JSON; without `runtime`, and without the seeds: each run has one.

    The pools are not in it: what decides is how each expert is pooled in the end, which the train recipe lists.
    """
    plain: Recipe = json.loads(json.dumps(dataclasses.asdict(settings)))
    del plain["runtime"], plain["pools"], plain["training"]["seeds"]
    plain["experts"].sort()
    return plain
