"""Models that the authors of Collaborative Experts published: trained_model.pth and, beside it, config.json."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from models import legacy
from models.ce import CE
from models.config import Architecture, ExpertInput, TextInput
from pipeline.errors import ConfigError

DROPPED = ("ce.moe_fc_bottleneck1.", "ce.moe_cg.", "ce.moe_fc_proj.")
"""Layers that the earliest checkpoints carry and that nothing ever used."""

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
OF_VIDEO_UNITS = {
    "moee": ((r"^ce\.video_GU\.", "video.units."),),
    "none": ((r"^ce\.video_GU\.(\d+)\.cg\.fc\.", r"video.gates.\1.fc."),
             (r"^ce\.video_GU\.(\d+)\.cg\.batch_norm\.", r"video.gates.\1.norm.")),
    "sequential": ((r"^ce\.video_GU\.(\d+)\.cg\.fc\.", r"video.gates.\1.fc."),
                   (r"^ce\.video_GU\.(\d+)\.cg\.batch_norm\.", r"video.gates.\1.context_norm."),
                   (r"^ce\.video_GU\.(\d+)\.cg\.batch_norm2\.", r"video.gates.\1.norm.")),
}  # fmt: skip


def load_released(checkpoint: Path, settings: Path) -> CE:
    """The published model, ready to score: `checkpoint` is its trained_model.pth, `settings` its config.json."""
    return build(json.loads(settings.read_text(encoding="utf-8")), legacy.state_dict(checkpoint))


def build(config: Mapping[str, Any], state_dict: Mapping[str, Tensor]) -> CE:
    """The network that a resolved config.json describes, with the weights of `state_dict` under the authors' names."""
    weights = {key.removeprefix("module."): value for key, value in state_dict.items()}
    weights = {key: value for key, value in weights.items() if not key.startswith(DROPPED)}
    settings = _architecture(config, weights)
    names = sorted(config["experts"]["modalities"])
    model = CE([_expert(name, index, config, weights) for index, name in enumerate(names)],
               _text(config, weights), settings)  # fmt: skip
    model.load_state_dict(renamed(weights, names, settings.gating))
    return model.eval()


def renamed(weights: Mapping[str, Tensor], names: Sequence[str], gating: str) -> dict[str, Tensor]:
    """The authors' weights under our names; `names` are the experts, sorted."""
    rules = RENAMED + OF_VIDEO_UNITS[gating] + OF_A_UNIT
    ours = {}
    for theirs, value in weights.items():
        key = theirs
        for index, name in enumerate(names):
            key = key.replace(f"pooling.{name}.", f"pools.{index}.") if key.startswith(f"pooling.{name}.") else key
        for pattern, replacement in rules:
            key = re.sub(pattern, replacement, key)
        key = re.sub(r"^((?:text_pool|pools\.\d+)\.)batch_norm\.", r"\1norm.", key)
        ours[key] = value.squeeze(0) if key.endswith(".centres") else value
    return ours


def _architecture(config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Architecture:
    args = config["arch"]["args"]
    if config["arch"]["type"] != "CENet" or args.get("use_ce") not in {"", 0, "pairwise"}:
        raise ConfigError(
            f"arch {config['arch']['type']} with use_ce {args.get('use_ce')!r} is none of the published designs that "
            "can be loaded: CENet with use_ce 'pairwise' or ''"
        )
    for key in ("keep_missing_modalities", "l2renorm", "randomise_feats", "concat_experts", "concat_mix_experts"):
        if args.get(key):
            raise ConfigError(f"arch.args.{key}: {args[key]!r} belongs to an ablation that cannot be loaded")
    gating: Literal["sequential", "none", "moee"]
    gating = "sequential" if args["use_ce"] else "none" if args.get("mimic_ce_dims") else "moee"
    return Architecture(
        shared_dim=config["experts"]["ce_shared_dim"],
        gating=gating,
        activation="mish" if args.get("use_mish") else "relu",
        batch_norm=bool(args.get("use_bn_reason")),
        mask_padding=False,
        mixture="learned" if "ce.moe_fc.weight" in weights and not args.get("freeze_weights") else "uniform",
        num_g_layers=args.get("num_g_layers", 1),
        num_h_layers=args.get("num_h_layers", 0) if args["use_ce"] else 0,
        include_self=bool(args.get("include_self")),
    )


def _expert(name: str, index: int, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> ExpertInput:
    clusters = weights.get(f"pooling.{name}.clusters")
    if clusters is not None:
        tokens = config["data_loader"]["args"]["max_tokens"][name]
        return ExpertInput(name, clusters.shape[0], "vlad", clusters.shape[1], tokens)
    reduce = weights.get(f"ce.video_dim_reduce.{index}.fc.weight")
    first = weights[f"ce.video_GU.{index}.fc.weight"] if reduce is None else reduce
    return ExpertInput(name, first.shape[1])


def _text(config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> TextInput:
    dim, all_clusters = weights["text_pooling.clusters"].shape
    clusters = weights["text_pooling.clusters2"].shape[-1]
    return TextInput(dim, clusters, all_clusters - clusters, config["data_loader"]["args"]["max_tokens"]["text"])
