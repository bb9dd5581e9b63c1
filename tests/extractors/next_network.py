"""Writes tiny image-text networks of types that are not shipped into a cache of weights, in the form of the hub."""

import torch
from transformers import AutoConfig, AutoModel

from extractors.networks.pretrained import quiet
from tests.extractors.hub_folder import REVISION, WORDS, tokenizer

NAME = f"transformers/me/next@{REVISION}"
SIZE_PX, DIM, LENGTH = 32, 16, 20
LAYERS = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
TEXT = LAYERS | {"vocab_size": len(WORDS), "max_position_embeddings": LENGTH, "pad_token_id": 1}
TEXT |= {"bos_token_id": 2, "eos_token_id": 0}
SIGHT = LAYERS | {"image_size": SIZE_PX, "patch_size": 8}
BLOCKS = {
    "in_channels": [32, 8],
    "out_channels": [8, DIM],
    "kernel_sizes": [3, 3],
    "strides": [1, 2],
    "hidden_dim": DIM,
}
BLOCKS |= {"num_block_repeats": [1, 1], "expand_ratios": [1, 2], "depthwise_padding": [], "width_coefficient": 1.0}
BLOCKS |= {"depth_coefficient": 1.0, "image_size": SIZE_PX}
KINDS = {
    "align": {"text_config": TEXT, "vision_config": BLOCKS, "projection_dim": DIM},
    "altclip": {
        "text_config": TEXT | {"project_dim": 16, "max_position_embeddings": LENGTH + 2},
        "vision_config": SIGHT,
        "projection_dim": DIM,
    },
    "blip": {"text_config": TEXT | {"encoder_hidden_size": 16}, "vision_config": SIGHT, "projection_dim": DIM},
    "chinese_clip": {"text_config": TEXT, "vision_config": SIGHT, "projection_dim": DIM},
    "metaclip_2": {"text_config": TEXT, "vision_config": SIGHT, "projection_dim": DIM},
}
"""Model type -> settings of a tiny network."""


def release(cache, kind):
    """A model of the type with random weights, written with a tokenizer as the hub has them; and its folder."""
    torch.manual_seed(0)
    folder = cache / "me" / "next" / REVISION[:12]
    with quiet():
        model = AutoModel.from_config(AutoConfig.for_model(kind, **KINDS[kind])).float().eval()
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.add_(0.1 * torch.randn_like(tensor))
    model.save_pretrained(folder)
    words = tokenizer()
    words.model_max_length = 12
    words.save_pretrained(folder)
    return model, folder
