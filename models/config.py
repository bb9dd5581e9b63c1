"""The settings in configs/models/<name>.yaml: experts, architecture, training, runtime. Reading them needs no torch."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from models.architecture import Architecture, written_out
from models.network_inputs import TextInput
from pipeline import config
from pipeline.stores.fingerprint import Recipe

MODELS = Path("configs/models")


@dataclass(frozen=True)
class ExpertPool:
    """NetVLAD over the first `max_tokens` vectors of an expert; replaces the pooling in the expert's own YAML."""

    __pydantic_config__ = config.STRICT
    clusters: int
    max_tokens: int

    def __post_init__(self) -> None:
        if self.clusters < 1 or self.max_tokens < 1:
            raise ValueError("pools: clusters and max_tokens must be at least 1")


@dataclass(frozen=True)
class TextPool:
    """NetVLAD over the first `max_tokens` token vectors of a caption."""

    __pydantic_config__ = config.STRICT
    clusters: int
    """0: no NetVLAD, for sentence encoders, which give one vector a caption."""
    ghost_clusters: int
    """Extra clusters that collect uninformative tokens; their output is discarded."""
    max_tokens: int

    def __post_init__(self) -> None:
        if self.clusters < 0 or self.max_tokens < 1 or self.ghost_clusters < 0:
            raise ValueError("text_pool needs max_tokens of at least 1, clusters and ghost_clusters of at least 0")
        if not self.clusters and (self.max_tokens > 1 or self.ghost_clusters):
            raise ValueError("text_pool.clusters: 0 takes one vector as it is; set max_tokens: 1 and ghost_clusters: 0")


@dataclass(frozen=True)
class Training:
    """How the network is trained; all settings but `seeds` are part of the recipe."""

    __pydantic_config__ = config.STRICT
    batch_size: int
    """Number of videos; each comes with one of its captions."""
    epochs: int
    learning_rate: float
    weight_decay: float
    optimizer: Literal["ranger", "radam", "adamw"]
    schedule: Literal["step", "cosine"]
    """step: multiplies the learning rate by `gamma` after each epoch; cosine: lowers it to 0 over all epochs."""
    loss: Literal["margin", "infonce"]
    gamma: float | None = None
    margin: float | None = None
    """margin only: by how much a matching pair must score above a wrong one."""
    temperature: float | None = None
    """infonce only: initial value of the learned temperature."""
    teachers: tuple[str, ...] = ()
    """Names of other models in configs/models/, e.g. with other text encoders. They are trained first, with the same
    seed, and their mean score of each pair is a second target (TeachText: Croitoru et al., ICCV 2021)."""
    worst_rank: int | None = None
    """With teachers: drops captions as noise when the teachers' mean rank of their video among the training videos is
    worse than this; null: keeps all."""
    selection: Literal["validation", "last", "test"] = "validation"
    """Which epoch's weights are kept. validation: the best on the validation split; last: the last epoch; test: the
    best on the test split, which overstates the result. Some published results used one of the last two; since these
    need no validation split, they train on it too."""
    ema: float | None = None
    """Decay of a moving average of the weights, which is then evaluated and kept; null: no average."""
    precision: Literal["fp32", "tf32", "bf16", "fp16"] = "fp32"
    """Data type of matrix products, on every device; in the recipe where it is not fp32. tf32 and fp16 need a GPU."""
    seeds: tuple[int, ...] = (0, 1, 2)

    def __post_init__(self) -> None:
        if self.batch_size < 2 or self.epochs < 0 or self.learning_rate <= 0 or self.weight_decay < 0:
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
        """Raises ValueError unless `setting` has a value exactly where `key` is `choice`, which alone reads it."""
        chosen = getattr(self, key)
        if chosen == choice and (value is None or value <= 0):
            raise ValueError(f"training.{setting} must be above 0 with {key}: {choice}")
        if chosen != choice and value is not None:
            raise ValueError(f"training.{setting} belongs to {key}: {choice}; remove it, or change {key}: {chosen}")


NOT_TRAINED = Training(
    128, 0, 0.0005, 0.0, optimizer="adamw", schedule="cosine", loss="infonce", temperature=0.07, seeds=(0,)
)
"""Of a model with `architecture: zero_shot`."""


@dataclass(frozen=True)
class Runtime:
    """Settings that affect speed only, and numbers by no more than rounding does; never fingerprinted."""

    __pydantic_config__ = config.STRICT
    device: str = "auto"
    """auto, cpu, cuda, or cuda:<n>; auto: a GPU if there is one."""
    threads: int | None = None
    """Number of CPU threads; null: one per core. A small network is faster on one, on a busy machine several times."""
    checkpoint_s: float = 30.0
    """Minimum time between two checkpoints; they are written at the end of an epoch."""
    precision: str = ""
    """Refused: it stood here once, but it decides the trained model."""

    def __post_init__(self) -> None:
        if self.device not in {"auto", "cpu"} and not self.device.startswith("cuda"):
            raise ValueError(f"runtime.device must be auto, cpu, cuda or cuda:<n>, not {self.device!r}")
        if self.threads is not None and self.threads < 1:
            raise ValueError("runtime.threads must be at least 1, or null")
        if self.precision:
            raise ValueError(
                "runtime.precision decides the trained model, so it stands under training: now, e.g. "
                "training: {precision: bf16} (fp32 where nothing is said, in place of auto)"
            )


@dataclass(frozen=True)
class ModelConfig:
    """The contents of configs/models/<name>.yaml."""

    __pydantic_config__ = config.STRICT
    experts: tuple[str, ...]
    """Names of files in configs/experts/, in any order."""
    text: str
    """Name of a file in configs/text/."""
    architecture: Architecture
    """In a YAML also residual or zero_shot alone, which stand for the blocks in `models.architecture.NAMED`."""
    text_pool: TextPool = TextPool(0, 0, 1)
    training: Training = NOT_TRAINED
    pools: dict[str, ExpertPool] = field(default_factory=dict)
    """Expert -> its pooling in this model; the other experts are pooled as their own YAMLs say."""
    runtime: Runtime = field(default_factory=Runtime)
    selector: bool = False
    """Whether the report has a row with weights of the experts that are read from their score lists for each caption
    (models/fusion), fitted on the validation split; no part of the training."""
    late_interaction: bool = False
    """Whether the report has a row for each expert that is aligned with text by the vectors of a caption's tokens and
    at most 32 of a video (models/zero_shot/late_interaction.py); no part of the training."""

    def __post_init__(self) -> None:
        for name in self.pools:
            if name not in self.experts:
                raise ValueError(f"pools: {name} is none of the experts")
        if not self.experts or len(set(self.experts)) < len(self.experts):
            raise ValueError("experts must name at least one expert, and none twice")
        if self.runtime.device == "cpu" and self.training.precision in {"tf32", "fp16"}:
            raise ValueError(
                f"training.precision: {self.training.precision} needs a GPU; with device: cpu set fp32 or bf16"
            )
        self.architecture.check_number(len(self.experts))
        self._check_selector()
        self._check_head()

    def _check_selector(self) -> None:
        if self.selector and self.training.selection != "validation":
            raise ValueError("selector: true is fitted on the validation split; it needs selection: validation")
        if self.selector and not self.architecture.vector_per_expert:
            raise ValueError(f"selector: true weighs experts, and gating: {self.architecture.gating} makes one of all")

    def _check_head(self) -> None:
        if self.architecture.head == "zero_shot" and self.training.epochs:
            raise ValueError("a model with architecture: zero_shot is not trained; remove training:")
        if self.architecture.head != "zero_shot" and not self.training.epochs:
            raise ValueError("training.epochs must be at least 1; only a model with architecture: zero_shot needs none")
        if self.architecture.is_aligned and not self.architecture.vector_per_expert:
            raise ValueError(f"architecture.head: {self.architecture.head} cannot be with gating: concat or concat_mix")

    def text_input(self, dim: int) -> TextInput:
        """The text input of the network, for token vectors of length `dim`."""
        pool = self.text_pool
        return TextInput(dim, pool.clusters, pool.ghost_clusters, pool.max_tokens)


def load(name: str, folder: Path = MODELS) -> ModelConfig:
    """The settings of the model called `name`."""
    path = config.choose(folder, name)
    content = config.read_yaml(path)
    return config.parse(ModelConfig, content | written_out(content), str(path))


def recipe(settings: ModelConfig) -> Recipe:
    """The settings that decide a trained model, as plain JSON.

    Left out are `runtime`, the seeds (each run adds its own), `pools` (the train recipe lists the final pooling of
    each expert), `selector` (it is fitted by the evaluation) and `late_interaction` (rows of a report).
    """
    plain: Recipe = json.loads(json.dumps(dataclasses.asdict(settings)))
    del plain["runtime"], plain["pools"], plain["training"]["seeds"], plain["selector"]
    del plain["late_interaction"]
    if plain["training"]["precision"] == "fp32":  # as all recipes of before it was a setting of its own
        del plain["training"]["precision"]
    plain["architecture"] = settings.architecture.plain
    plain["experts"].sort()
    return plain
