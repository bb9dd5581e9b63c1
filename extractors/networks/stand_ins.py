"""Small networks of the model types that large experts use, for stand-in weights: of the right shapes."""

from typing import Any

from extractors.networks.hub import repository
from extractors.networks.hub_model import HubPlugin, quiet
from pipeline.errors import ConfigError
from pipeline.weights import seeded

MODEL_TYPES = {
    "google/videoprism-lvt": "videoprism",
    "microsoft/xclip": "xclip",
    "facebook/pe-av": "pe_audio_video",
    "laion/clap": "clap",
    "laion/larger_clap": "clap",
    "Qwen/Qwen3-VL-Embedding": "qwen3_vl",
}
"""How the name of a repository begins -> its model type, where no config.json is read."""

WIDTH = 32
HEADS = 2
VOCABULARY = 512


def stand_in_model(plugin: HubPlugin) -> Any:
    """A model of the type of the plugin's repository on stand-ins; ConfigError where its type is not known."""
    from transformers import AutoConfig, AutoModel

    name = repository(plugin.params.network)
    kind = next((kind for start, kind in MODEL_TYPES.items() if name.startswith(start)), None)
    if kind is None:
        known = ", ".join(f"{start}..." for start in MODEL_TYPES)
        raise ConfigError(f"network {plugin.params.network!r}: stand-ins are known of {known}")
    settings = AutoConfig.for_model(kind, **small(kind, plugin.params))
    with quiet():
        model = AutoModel.from_config(settings).float()  # type: ignore[no-untyped-call]
    return seeded.fill(model)


def small(kind: str, params: Any) -> dict[str, Any]:
    """Settings of a small network with the inputs and the D of `params`."""
    makers = {"videoprism": _videoprism, "xclip": _xclip, "clap": _clap, "pe_audio_video": _pe_audio_video}
    makers |= {"pe_video": _pe_video, "pe_audio": _pe_audio}
    return makers[kind](params)


def _layers(width: int = WIDTH, heads: int = HEADS) -> dict[str, Any]:
    return {"hidden_size": width, "intermediate_size": WIDTH, "num_hidden_layers": 1, "num_attention_heads": heads}


def _videoprism(params: Any) -> dict[str, Any]:
    sides = {key: value for key, value in _layers(params.dim).items() if key != "num_hidden_layers"}
    depth = {"num_spatial_layers": 1, "num_temporal_layers": 1, "num_auxiliary_layers": 1}
    frames = {"image_size": getattr(params, "size_px", 36), "num_frames": getattr(params, "num_frames", 2)}
    words = {"vocab_size": VOCABULARY, "max_position_embeddings": getattr(params, "max_tokens", 8)}
    return {"vision_config": sides | depth | frames, "text_config": _layers(params.dim) | words}


def _xclip(params: Any) -> dict[str, Any]:
    mit = {"mit_hidden_size": params.dim, "mit_intermediate_size": WIDTH, "mit_num_attention_heads": HEADS}
    frames = {"image_size": getattr(params, "size_px", 64), "num_frames": getattr(params, "num_frames", 2)}
    words = {"vocab_size": VOCABULARY, "max_position_embeddings": getattr(params, "max_tokens", 8)}
    words |= {"eos_token_id": VOCABULARY - 1, "pad_token_id": 1, "bos_token_id": 2}
    return {
        "vision_config": _layers() | mit | frames,
        "text_config": _layers() | words,
        "projection_dim": params.dim,
    }


def _clap(params: Any) -> dict[str, Any]:
    sound = {"depths": [1, 1], "num_attention_heads": [1, 2], "patch_embeds_hidden_size": 16, "hidden_size": 32}
    sound |= {"enable_fusion": True, "num_hidden_layers": 2}
    words = {"vocab_size": VOCABULARY, "max_position_embeddings": getattr(params, "max_tokens", 8) + 2}
    return {"audio_config": sound, "text_config": _layers() | words, "projection_dim": params.dim}


def _pe_audio_video(params: Any) -> dict[str, Any]:
    layers = _layers() | {"num_key_value_heads": HEADS, "head_dim": WIDTH // HEADS}
    codec = {"encoder_hidden_size": 4, "codebook_dim": 8, "downsampling_ratios": [2, 8, 10, 12]}
    size_px = getattr(params, "size_px", 28)
    vit = {
        "architecture": "vit_pe_core_tiny_patch16_384",
        "num_classes": WIDTH,
        "model_args": {"img_size": size_px, "embed_dim": WIDTH, "depth": 1, "num_heads": HEADS},
    }
    words = {"vocab_size": VOCABULARY, "pad_token_id": 1, "bos_token_id": 2, "eos_token_id": 0, "cls_token_id": 2}
    words |= {"sep_token_id": 0, "max_position_embeddings": 512}
    return {
        "text_config": _layers(params.dim, 4) | words | {"model_type": "modernbert"},
        "audio_video_config": layers
        | {
            "audio_config": layers | {"dac_config": codec, "model_type": "pe_audio_encoder"},
            "video_config": layers | {"vision_config": vit, "model_type": "pe_video_encoder"},
        },
    }


def _pe_video(params: Any) -> dict[str, Any]:
    both = _pe_audio_video(params)
    return {"text_config": both["text_config"], "video_config": both["audio_video_config"]["video_config"]}


def _pe_audio(params: Any) -> dict[str, Any]:
    both = _pe_audio_video(params)
    return {"text_config": both["text_config"], "audio_config": both["audio_video_config"]["audio_config"]}
