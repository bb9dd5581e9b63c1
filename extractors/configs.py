"""The contents of the YAML files of experts and text encoders."""

from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from extractors.labels.settings import LabelSettings
from pipeline import config
from pipeline.weights.files import WeightFile


@dataclass(frozen=True)
class Runtime:
    """Settings that affect speed only, and numbers by no more than rounding does; never fingerprinted."""

    __pydantic_config__ = config.STRICT
    batch_size: int = 64
    """Items in a batch for `embed`."""
    gpu_batch_size: int = 0
    """The same on a GPU, which small batches leave idle; halved where its memory is short. 0: as `batch_size`."""
    compile: bool = False
    """Use torch.compile: a minute or more at the start, faster from then on."""
    onnx: bool = False
    """On a CPU and in fp32, run the network with ONNX Runtime; only image classifiers can."""
    server: str = ""
    """Address up to and with /v1 of the server that an expert asks, e.g. http://127.0.0.1:8000/v1."""
    timeout_s: float = 120.0
    """Time that the server has for one request."""
    precision: str = ""
    """Refused: it stood here once, but it decides the features."""

    def batch_size_on(self, device: str) -> int:
        """Items in a batch on "cpu" or "cuda:<n>"."""
        return self.batch_size if device == "cpu" else self.gpu_batch_size or self.batch_size

    def __post_init__(self) -> None:
        if self.precision:
            raise ValueError(
                "runtime.precision decides the features, so it stands at the top of an expert's YAML now, e.g. "
                "precision: bf16 (fp32 where nothing is said, in place of auto); text encoders always run in fp32"
            )
        if self.batch_size < 1 or self.gpu_batch_size < 0:
            raise ValueError("batch_size must be at least 1, and gpu_batch_size at least 0")
        if self.timeout_s <= 0:
            raise ValueError("timeout_s must be above 0")
        if self.server and not _is_address(self.server):
            raise ValueError(
                f"server {self.server!r} must be http://<host>/v1 or https://<host>/v1, without a name in it"
            )


def _is_address(server: str) -> bool:
    parts = urlsplit(server)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc and not parts.query


Precision = Literal["fp32", "tf32", "bf16", "fp16"]
FLOAT32 = ("fp32", "tf32")
"""Precisions whose tensors are float32; on a CPU the two are one."""
Weights = Literal["released", "seeded"] | dict[str, WeightFile]
"""released: the files that the network's library publishes; seeded: stand-ins; or part -> file."""


@dataclass(frozen=True)
class Pooling:
    """How a model pools the rows of a video into one vector: mean, or NetVLAD over the first `max_tokens`."""

    __pydantic_config__ = config.STRICT
    pool: Literal["mean", "vlad"] = "mean"
    clusters: int = 0
    max_tokens: int = 0

    def __post_init__(self) -> None:
        if self.pool == "vlad" and (self.clusters < 1 or self.max_tokens < 1):
            raise ValueError("pool: vlad needs clusters and max_tokens of at least 1")


@dataclass(frozen=True)
class ExpertConfig:
    """Contents of configs/experts/<name>.yaml."""

    __pydantic_config__ = config.STRICT
    extractor: str
    """Name of a module in extractors/."""
    modality: str
    """rgb, flow, audio, face, ocr, speech, scene, or a new one."""
    params: dict[str, Any] = field(default_factory=dict)
    """Settings that decide the features; fingerprinted."""
    weights: Weights = "released"
    precision: Precision = "fp32"
    """Of the networks' products, by torch.autocast, on every device; fingerprinted where it is not fp32. tf32 lets a
    GPU round what it multiplies to 10 bits, in matrix products and convolutions; a CPU computes it in fp32."""
    labels: LabelSettings | None = None
    """What a classifier keeps of its classes; fingerprinted where it is there."""
    runtime: Runtime = field(default_factory=Runtime)
    model: Pooling = field(default_factory=Pooling)


@dataclass(frozen=True)
class TextConfig:
    """Contents of configs/text/<name>.yaml."""

    __pydantic_config__ = config.STRICT
    encoder: str
    """Name of a module in extractors/."""
    params: dict[str, Any] = field(default_factory=dict)
    weights: Weights = "released"
    runtime: Runtime = field(default_factory=Runtime)
