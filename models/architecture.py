"""The block `architecture:` of a model's YAML. Reading it needs no torch."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pipeline import config
from pipeline.errors import ConfigError

Gating: TypeAlias = Literal["sequential", "parallel", "triplet", "star", "none", "moee", "concat", "concat_mix"]
Head: TypeAlias = Literal["learned", "residual", "zero_shot"]
RELATIONS: dict[Gating, int] = {"sequential": 2, "parallel": 2, "triplet": 3, "star": 2}
"""Gating that relates experts to one another -> number of experts in one relation."""


@dataclass(frozen=True)
class Architecture:
    """Architecture of the network."""

    __pydantic_config__ = config.STRICT
    shared_dim: int
    """Dimension of the space that all experts are projected to; ignored by moee, concat and concat_mix."""
    gating: Gating
    """How experts gate one another. sequential: as released, one expert after another, each seeing the already gated
    vectors of those before it; parallel: the paper's formula, all from the ungated vectors; triplet: as sequential,
    with relations between an expert and two others; star: relations to the mean of all experts; none: projection
    only; moee: neither relations nor projection. Two baselines make one vector of all experts and ignore `mixture`:
    concat concatenates them and learns only the pooling; concat_mix applies one gated projection to the
    concatenation."""
    activation: Literal["mish", "relu"]
    batch_norm: bool
    """Whether the layers that compute relations between experts use batch normalisation."""
    mask_padding: bool
    """False: as released, NetVLAD also pools the zero padding, so that max_tokens changes the scores."""
    standardise: bool = False
    """Shift and scale each feature to mean 0 and deviation 1 over the training videos; False: as released."""
    mixture: Literal["learned", "uniform"] = "learned"
    """Weights of the experts in a score: learned from the caption, or all equal (with head: residual those of its
    start)."""
    num_g_layers: int = 3
    """Number of linear layers that compute a relation from its experts."""
    num_h_layers: int = 0
    """Number of linear layers between the mean relation of an expert and its gate."""
    include_self: bool = True
    """Whether an expert is also related to itself."""
    head: Head = "learned"
    """What a score is made of. learned: the network's vectors alone, as published; residual: the untrained fusion of
    the experts that are aligned with text, with the best fixed weights of the training split, and beside it corrections
    by the network's vectors, whose gates are 0 at the start, and which are kept only where they surely find more on the
    validation split; zero_shot: the untrained fusion alone, with even weights, which is not trained."""

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
    def is_aligned(self) -> bool:
        """Whether scores start from those of the experts that are aligned with text, which are then needed."""
        return self.head != "learned"

    @property
    def vector_per_expert(self) -> bool:
        """Whether each expert has its own vector, so that a score is a sum over the experts."""
        return not self.gating.startswith("concat")

    @property
    def plain(self) -> dict[str, Any]:
        """The settings as plain JSON, without a head that is as all were before it was a setting."""
        found = dataclasses.asdict(self)
        if self.head == "learned":
            del found["head"]
        return found

    def check_number(self, experts: int) -> None:
        """Raises ConfigError when there are too few experts for a single relation."""
        fewest = 1 if self.include_self or self.gating == "star" else RELATIONS.get(self.gating, 1)
        if experts < fewest:
            raise ConfigError(
                f"architecture.include_self: false with gating: {self.gating} needs {fewest} experts or more; "
                "set it to true"
            )


NAMED: dict[str, dict[str, Any]] = {
    "residual": {
        "head": "residual",
        "shared_dim": 512,
        "gating": "sequential",
        "activation": "mish",
        "batch_norm": True,
        "mask_padding": True,
        "standardise": True,
    },
    "zero_shot": {
        "head": "zero_shot",
        "shared_dim": 1,  # the gates stay 0, so that what is learned has no effect, and need not be large
        "gating": "none",
        "activation": "mish",
        "batch_norm": False,
        "mask_padding": True,
    },
}
"""What a YAML may say in place of a block."""


def written_out(model: Mapping[str, Any]) -> dict[str, Any]:
    """{"architecture": its block}, for the content of a model's YAML that has a name in NAMED there; else empty."""
    block = model.get("architecture")
    return {"architecture": NAMED[block]} if isinstance(block, str) and block in NAMED else {}
