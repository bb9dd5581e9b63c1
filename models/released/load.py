"""Loads the models that the authors of Collaborative Experts published: trained_model.pth with its config.json."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from torch import Tensor

from models.architecture import RELATIONS, Architecture, Gating
from models.network_inputs import ExpertInput, TextInput
from models.networks.ce import CE
from models.released import legacy
from pipeline.errors import ConfigError
from pipeline.plain_data import parse_json

DROPPED = ("ce.moe_fc_bottleneck1.", "ce.moe_cg.", "ce.moe_fc_proj.")
"""Unused layers in the earliest checkpoints."""

RENAMED = (
    (r"^text_pooling\.", "text_pool."),
    (r"\.clusters2$", ".centres"),
    (r"^ce\.moe_fc\.", "mixture."),
    (r"^ce\.video_dim_reduce\.(\d+)\.fc\.", r"video.reduce.\1."),
    (r"^ce\.g_reason_1\.", "video.first."),
    (r"^ce\.g_reason_shared\.", "video.relate."),
    (r"^ce\.h_reason\.", "video.summarise."),
    (r"^ce\.text_GU\.", "text."),
)
OF_A_UNIT = ((r"\.cg\.fc\.", ".gate.fc."), (r"\.cg\.batch_norm\.", ".gate.norm."))
COLLABORATIVE = ((r"^ce\.video_GU\.(\d+)\.cg\.fc\.", r"video.gates.\1.fc."),
                 (r"^ce\.video_GU\.(\d+)\.cg\.batch_norm\.", r"video.gates.\1.context_norm."),
                 (r"^ce\.video_GU\.(\d+)\.cg\.batch_norm2\.", r"video.gates.\1.norm."))  # fmt: skip
OF_VIDEO_UNITS: dict[str, tuple[tuple[str, str], ...]] = {
    "moee": ((r"^ce\.video_GU\.", "video.units."),),
    "none": ((r"^ce\.video_GU\.(\d+)\.cg\.fc\.", r"video.gates.\1.fc."),
             (r"^ce\.video_GU\.(\d+)\.cg\.batch_norm\.", r"video.gates.\1.norm.")),
    **dict.fromkeys(["sequential", "triplet", "star"], COLLABORATIVE),
    "concat": (),
    "concat_mix": ((r"^ce\.video_GU\.0\.", "video.unit."),),
}  # fmt: skip

GATINGS: dict[str, Gating] = {"pairwise": "sequential", "triplet": "triplet", "pairwise-star": "star"}
"""use_ce -> our gating; a published model without it is one of the ablations."""
ABLATIONS: dict[str, Gating] = {"mimic_ce_dims": "none", "concat_mix_experts": "concat_mix", "concat_experts": "concat"}
"""Name of a setting -> our gating; a published model with none of them is MoEE."""

DIMS = {
    "antoine-rgb": 2048, "flow": 1024, "i3d.i3d.0": 1024, "imagenet.resnext101_32x48d.0": 2048,
    "imagenet.senet154.0": 2048, "moments_2d.resnet50.0": 2048, "moments_3d.moments-resnet3d50.0": 2048,
    "r2p1d.r2p1d-ig65m-kinetics.0": 512, "r2p1d.r2p1d-ig65m.0": 512, "s3dg.s3dg.0": 1024, "scene.densenet161.0": 2208,
    "trn.moments-trn.0": 1792,
}  # fmt: skip
"""Dimensions of the released features; a concatenating model has no weights that show them. Face is in config.json."""

NO_DIMS: Mapping[str, int] = MappingProxyType({})


def load_released(checkpoint: Path, settings: Path, dims: Mapping[str, int] = NO_DIMS) -> CE:
    """The published model in evaluation mode, from its trained_model.pth and its config.json (`settings`).

    `dims`: see `build`. ConfigError where the config cannot be read, is of another kind, or does not fit the weights.
    """
    weights = legacy.state_dict(checkpoint)
    try:
        return build(parse_json(settings.read_text(encoding="utf-8")), weights, dims)
    except ConfigError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RuntimeError) as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise ConfigError(f"{settings}: no config.json of the model in {checkpoint.name} ({told})") from None


def build(config: Mapping[str, Any], state_dict: Mapping[str, Tensor], dims: Mapping[str, int] = NO_DIMS) -> CE:
    """The network that a resolved config.json describes; the keys of `state_dict` are the authors' names.

    `dims`: expert -> length of the features that it will be given, read where the weights do not show it, which is so
    where experts are concatenated. Raises ConfigError for a design that this program does not have.
    """
    weights = {key.removeprefix("module."): value for key, value in state_dict.items()}
    weights = {key: value for key, value in weights.items() if not key.startswith(DROPPED)}
    settings = _architecture(config, weights)
    names = sorted(config["experts"]["modalities"])
    text = _text(config, weights)
    sums_missing = bool(config["arch"]["args"].get("keep_missing_modalities"))
    model = CE(_experts(names, config, weights, dims), text, settings, sums_missing)
    if model.mixture is None:
        # The authors' checkpoints hold mixture weights all the same, but their scores do not use them.
        weights = {key: value for key, value in weights.items() if not key.startswith("ce.moe_fc.")}
    model.load_state_dict(renamed(weights, names, settings.gating))
    return model.eval()


def renamed(weights: Mapping[str, Tensor], names: Sequence[str], gating: str) -> dict[str, Tensor]:
    """The weights under our names instead of the authors'; `names`: the experts, sorted."""
    rules = RENAMED + OF_VIDEO_UNITS[gating] + OF_A_UNIT
    ours = {}
    for theirs, value in weights.items():
        key = theirs
        for index, name in enumerate(names):
            if key.startswith(f"pooling.{name}."):
                key = key.replace(f"pooling.{name}.", f"pools.{index}.")
        for pattern, replacement in rules:
            key = re.sub(pattern, replacement, key)
        key = re.sub(r"^((?:text_pool|pools\.\d+)\.)batch_norm\.", r"\1norm.", key)
        ours[key] = value.squeeze(0) if key.endswith(".centres") else value
    return ours


def _gating(config: Mapping[str, Any]) -> Gating:
    args = config["arch"]["args"]
    design = args.get("use_ce") or ""
    if config["arch"]["type"] != "CENet" or design not in {"", *GATINGS}:
        raise ConfigError(
            f"arch {config['arch']['type']} with use_ce {args.get('use_ce')!r} is none of the designs that can be "
            f"loaded: CENet with use_ce {', '.join(map(repr, ['', *GATINGS]))}"
        )
    for key in ("l2renorm", "randomise_feats"):
        if args.get(key):
            raise ConfigError(f"arch.args.{key}: {args[key]!r} belongs to an ablation that cannot be loaded")
    ablations = [key for key in ABLATIONS if args.get(key)]
    if len(ablations) > 1 or (design and ablations and ablations != ["mimic_ce_dims"]):
        raise ConfigError(f"arch.args: {' and '.join(ablations)} with use_ce {design!r} contradict one another")
    if design:
        return GATINGS[design]
    return ABLATIONS[ablations[0]] if ablations else "moee"


def _architecture(config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Architecture:
    args, gating = config["arch"]["args"], _gating(config)
    learned = "ce.moe_fc.weight" in weights and not args.get("freeze_weights")
    return Architecture(
        shared_dim=config["experts"]["ce_shared_dim"],
        gating=gating,
        activation="mish" if args.get("use_mish") else "relu",
        batch_norm=bool(args.get("use_bn_reason")),
        mask_padding=False,
        mixture="learned" if learned else "uniform",
        num_g_layers=args.get("num_g_layers", 1),
        num_h_layers=args.get("num_h_layers", 0) if gating in RELATIONS else 0,
        include_self=bool(args.get("include_self")),
    )


def _experts(
    names: Sequence[str], config: Mapping[str, Any], weights: Mapping[str, Tensor], dims: Mapping[str, int]
) -> list[ExpertInput]:
    """The inputs of the network, their sizes from the weights where these show them."""
    pooled = {name: weights[key] for name in names if (key := f"pooling.{name}.clusters") in weights}
    plain = [name for name in names if name not in pooled]
    if _gating(config).startswith("concat"):
        sizes = {name: _dim(name, config, dims) for name in plain}
        first = weights.get("ce.video_GU.0.fc.weight")
        if first is not None and plain:
            rest = first.shape[1] - sum(clusters.numel() for clusters in pooled.values())
            sizes = _fitted(sizes, rest, dims)
    else:
        sizes = {name: _width(names.index(name), weights) for name in plain}
    tokens = config["data_loader"]["args"]["max_tokens"]
    return [
        ExpertInput(name, *_vlad(pooled[name]), tokens[name]) if name in pooled else ExpertInput(name, sizes[name])
        for name in names
    ]


def _vlad(clusters: Tensor) -> tuple[int, Literal["vlad"], int]:
    """Length of a feature vector, the kind of pooling, and the number of clusters (D, K)."""
    return clusters.shape[0], "vlad", clusters.shape[1]


def _width(index: int, weights: Mapping[str, Tensor]) -> int:
    reduce = weights.get(f"ce.video_dim_reduce.{index}.fc.weight")
    return (weights[f"ce.video_GU.{index}.fc.weight"] if reduce is None else reduce).shape[1]


def _dim(name: str, config: Mapping[str, Any], dims: Mapping[str, int]) -> int:
    known: dict[str, int] = DIMS | {"face": config["experts"].get("face_dim", 512)} | dict(dims)
    if name not in known:
        raise ConfigError(f"experts.modalities: {name} has no known dimension, which a model that concatenates needs")
    return known[name]


def _fitted(sizes: dict[str, int], total: int, dims: Mapping[str, int]) -> dict[str, int]:
    """Sizes whose sum is `total`, as the weights of a gated concatenation ask for.

    They show the sum alone, and the network needs no more: where it is not that of the known sizes, each expert
    counts as an equal part, unless `dims` has the truth about all of them, which is then an error.
    """
    if sum(sizes.values()) == total:
        return sizes
    if total < len(sizes) or sizes.keys() <= dims.keys():
        told = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise ConfigError(f"the weights take {total} numbers of the experts that are not pooled, which have: {told}")
    share, more = divmod(total, len(sizes))
    return {name: share + (number < more) for number, name in enumerate(sizes)}


def _text(config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> TextInput:
    max_tokens = config["data_loader"]["args"]["max_tokens"]["text"]
    if "text_pooling.clusters" not in weights:  # sentence vectors, which are not pooled
        layer = "ce.moe_fc.weight" if "ce.moe_fc.weight" in weights else "ce.text_GU.0.fc.weight"
        return TextInput(weights[layer].shape[1], 0, 0, max_tokens)
    dim, all_clusters = weights["text_pooling.clusters"].shape
    clusters = weights["text_pooling.clusters2"].shape[-1]
    return TextInput(dim, clusters, all_clusters - clusters, max_tokens)
