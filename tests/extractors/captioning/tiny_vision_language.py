"""A Qwen3-VL of a few thousand random weights, as a folder of the form that its repository on the hub has."""

import json

import torch
from tokenizers import pre_tokenizers
from transformers import (
    Qwen2TokenizerFast,
    Qwen2VLImageProcessor,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)

SPECIAL = ["<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{% for part in message.content %}"
    "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write(folder):
    """Writes all files of the repository, and returns the network."""
    vocabulary = {char: number for number, char in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Qwen2TokenizerFast(
        vocab=vocabulary, merges=[], extra_special_tokens=SPECIAL, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL}
    small = {"size": {"shortest_edge": 32 * 32, "longest_edge": 64 * 64}}
    processor = Qwen3VLProcessor(
        Qwen2VLImageProcessor(patch_size=16, **small), tokenizer, Qwen3VLVideoProcessor(), chat_template=TEMPLATE
    )
    config = Qwen3VLConfig(
        text_config={
            "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16, "tie_word_embeddings": True,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 2, 2]},
        },
        vision_config={
            "depth": 2, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 32,
            "deepstack_visual_indexes": [1], "num_position_embeddings": 16,
        },
        image_token_id=ids["<|image_pad|>"], video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"], vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Qwen3VLForConditionalGeneration(config).eval()
        with torch.no_grad():  # as they are, small, it would say the last token again and again
            for name, parameter in network.named_parameters():
                if parameter.dim() > 1 and "embed_tokens" not in name:
                    parameter.mul_(30)
    network.generation_config.eos_token_id = ids["<|im_end|>"]
    network.save_pretrained(folder)
    # As the repository has them: a file for each, which processor.save_pretrained writes as one today.
    for part in (tokenizer, processor.image_processor, processor.video_processor):
        part.save_pretrained(folder)
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": TEMPLATE}))
    return network, processor
