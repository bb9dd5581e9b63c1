"""Small networks of the model types that large experts use, for stand-in weights: of the right shapes."""

from typing import Any

from extractors.networks.hub import repository
from extractors.networks.hub_model import HubPlugin
from extractors.networks.pe_av_ties import leave_out_tables
from extractors.networks.pretrained import quiet
from pipeline.weights import seeded

MODEL_TYPES = {
    "google/videoprism-lvt": "videoprism",
    "microsoft/xclip": "xclip",
    "facebook/pe-av": "pe_audio_video",
    "laion/clap": "clap",
    "laion/larger_clap": "clap",
    "Qwen/Qwen3-VL-Embedding": "qwen3_vl",
    "Haon-Chen/e5-omni": "qwen2_5_omni_thinker",
}
"""How the name of a repository begins -> its model type, where no config.json is read."""
OTHER_TYPES = {
    "video_text": "xclip",
    "audio_text": "clap",
    "audio_video_text": "pe_audio_video",
    "omni_text": "qwen3_vl",
    "omni_audio_text": "qwen2_5_omni_thinker",
}
"""Module in extractors/ -> what stands in for any other repository."""

WIDTH = 32
HEADS = 2
VOCABULARY = 512


def stand_in_model(plugin: HubPlugin) -> Any:
    """A model of the type of the plugin's repository, or one that stands for it, on stand-ins."""
    from transformers import AutoConfig, AutoModel

    name = repository(plugin.params.network)
    other = OTHER_TYPES[type(plugin).__module__.rpartition(".")[2]]
    kind = next((kind for start, kind in MODEL_TYPES.items() if name.startswith(start)), other)
    if kind.startswith("pe_"):
        leave_out_tables()
    settings = AutoConfig.for_model(kind, **small(kind, plugin.params))
    with quiet():
        model = AutoModel.from_config(settings).float()  # type: ignore[no-untyped-call]
    return seeded.fill(model)


def small(kind: str, params: Any) -> dict[str, Any]:
    """Settings of a small network with the inputs and the D of `params`."""
    makers = {"videoprism": _videoprism, "xclip": _xclip, "clap": _clap, "pe_audio_video": _pe_audio_video}
    makers |= {"pe_video": _pe_video, "pe_audio": _pe_audio, "qwen3_vl": _qwen3_vl}
    makers["qwen2_5_omni_thinker"] = _qwen2_5_omni
    return makers[kind](params)


def _layers(width: int = WIDTH, heads: int = HEADS) -> dict[str, Any]:
    return {"hidden_size": width, "intermediate_size": WIDTH, "num_hidden_layers": 1, "num_attention_heads": heads}


def _videoprism(params: Any) -> dict[str, Any]:
    sides = {key: value for key, value in _layers(params.dim).items() if key != "num_hidden_layers"}
    depth = {"num_spatial_layers": 1, "num_temporal_layers": 1, "num_auxiliary_layers": 0}
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


def _qwen3_vl(params: Any) -> dict[str, Any]:
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 2, 2], "mrope_interleaved": True}
    words = {"vocab_size": VOCABULARY, "head_dim": 16, "num_key_value_heads": HEADS, "rope_parameters": rope}
    sight: dict[str, Any] = {"depth": 1, "num_heads": HEADS, "hidden_size": WIDTH, "intermediate_size": WIDTH}
    sight |= {"out_hidden_size": params.dim, "deepstack_visual_indexes": [0], "num_position_embeddings": 256}
    ids = {f"{name}_token_id": number for number, name in enumerate(_CHAT_TOKENS)}
    return {"text_config": _layers(params.dim) | words, "vision_config": sight} | ids


def _qwen2_5_omni(params: Any) -> dict[str, Any]:
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 2, 2]}
    heads = {"num_attention_heads": params.dim // 16, "num_key_value_heads": params.dim // 16}
    words = _layers(params.dim) | heads | {"vocab_size": VOCABULARY, "rope_parameters": rope}
    sight: dict[str, Any] = {"depth": 1, "num_heads": HEADS, "hidden_size": WIDTH, "intermediate_size": WIDTH}
    sight |= {"out_hidden_size": params.dim, "fullatt_block_indexes": [0]}
    hearing = {"encoder_layers": 1, "encoder_attention_heads": HEADS, "encoder_ffn_dim": WIDTH, "d_model": WIDTH}
    ids = {name: number for number, (name, _, _) in enumerate(_OMNI_TOKENS)}
    return {"text_config": words, "vision_config": sight, "audio_config": hearing | {"output_dim": params.dim}} | ids


_CHAT_TOKENS = {
    "image": "<|image_pad|>",
    "video": "<|video_pad|>",
    "vision_start": "<|vision_start|>",
    "vision_end": "<|vision_end|>",
}
_TURN_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{% for part in message.content %}"
    "{% if part.type == 'video' %}<|vision_start|><|video_pad|><|vision_end|>{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def stand_in_chat() -> Any:
    """A processor as of Qwen3-VL whose tokens are single bytes."""
    from transformers import Qwen2VLImageProcessor, Qwen3VLProcessor, Qwen3VLVideoProcessor

    special = [*_CHAT_TOKENS.values(), *_TURN_TOKENS]
    tokenizer = _byte_tokenizer(special, additional_special_tokens=special)
    size = {"shortest_edge": 1024, "longest_edge": 1 << 24}
    parts = Qwen2VLImageProcessor(), tokenizer, Qwen3VLVideoProcessor(size=size)
    return Qwen3VLProcessor(*parts, chat_template=_TEMPLATE)  # type: ignore[no-untyped-call]


_OMNI_TOKENS = (
    ("image_token_index", "image_token", "<|IMAGE|>"),
    ("video_token_index", "video_token", "<|VIDEO|>"),
    ("audio_token_index", "audio_token", "<|AUDIO|>"),
    ("vision_start_token_id", "vision_bos_token", "<|vision_bos|>"),
    ("vision_end_token_id", "vision_eos_token", "<|vision_eos|>"),
    ("audio_start_token_id", "audio_bos_token", "<|audio_bos|>"),
    ("audio_end_token_id", "audio_eos_token", "<|audio_eos|>"),
)
"""What the settings of a Qwen2.5-Omni call a token, what its tokenizer calls it, and the token."""
_OMNI_TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and message.role != 'system' %}<|im_start|>system\nYou are helpful.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message.role }}\n{% for part in message.content %}"
    "{% if part.type == 'video' %}<|vision_bos|><|VIDEO|><|vision_eos|>"
    "{% elif part.type == 'audio' %}<|audio_bos|><|AUDIO|><|audio_eos|>{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def stand_in_omni_chat() -> Any:
    """A processor as of Qwen2.5-Omni whose tokens are single bytes, for at most 300 s of sound."""
    from transformers import Qwen2_5OmniProcessor, Qwen2VLImageProcessor, Qwen2VLVideoProcessor, WhisperFeatureExtractor

    special = [token for _, _, token in _OMNI_TOKENS]
    named = {name: token for _, name, token in _OMNI_TOKENS}
    tokenizer = _byte_tokenizer([*special, *_TURN_TOKENS], extra_special_tokens=named)
    size = {"shortest_edge": 1024, "longest_edge": 1 << 24}
    hears: Any = WhisperFeatureExtractor
    parts = (
        Qwen2VLImageProcessor(),
        Qwen2VLVideoProcessor(size=size),
        hears(feature_size=128, chunk_length=300),
        tokenizer,
    )
    return Qwen2_5OmniProcessor(*parts, chat_template=_OMNI_TEMPLATE)  # type: ignore[no-untyped-call]


def _byte_tokenizer(special: list[str], **told: Any) -> Any:
    """A fast tokenizer whose tokens are these and single bytes."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({token: number for number, token in enumerate([*special, *letters])}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens(special)
    told["pad_token"] = _TURN_TOKENS[0]
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **told)  # type: ignore[no-untyped-call]
