"""Writes tiny models into a cache of weights as the Hugging Face hub has them: config, tensors in shards, tokenizer."""

from pathlib import Path
from types import SimpleNamespace

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoConfig, AutoModel, AutoProcessor, PreTrainedTokenizerFast

from extractors.networks.pe_av_ties import leave_out_tables
from extractors.networks.pretrained import quiet
from extractors.networks.stand_ins import small
from pipeline.weights.files import WeightOptions, WeightSource

NAME = "transformers/me/tiny"
REVISION = "0123456789abcdef0123456789abcdef01234567"
WORDS = ["</s>", "<pad>", "<s>", "<unk>", "a", "dog", "barks", "cat", "sleeps", "loudly", "the", "on", "mat"]
TEXTS = ["A dog barks", "the cat sleeps on the mat", "dog " * 30, "zebra"]
END, PADDING, BEGIN = 0, 1, 2


def folder_of(cache: Path) -> Path:
    """Where the files of the repository lie in a cache."""
    return cache / "me" / "tiny" / REVISION[:12]


def release(cache: Path, kind: str, shards: bool = False, **params) -> tuple[torch.nn.Module, WeightSource]:
    """A model of the type with random weights, and the source that knows its files."""
    torch.manual_seed(0)
    settings = small(kind, SimpleNamespace(**params))
    if kind == "videoprism":
        settings["vision_config"]["num_auxiliary_layers"] = 1
    if kind == "xclip":
        settings["text_config"] |= {"eos_token_id": END, "pad_token_id": PADDING, "bos_token_id": BEGIN}
    leave_out_tables()
    with quiet():
        model = AutoModel.from_config(AutoConfig.for_model(kind, **settings)).float().eval()
    with torch.no_grad():
        for tensor in model.parameters():  # many begin as zeros or ones, and would not tell that they were forgotten
            tensor.add_(0.1 * torch.randn_like(tensor))
    model.save_pretrained(folder_of(cache), **({"max_shard_size": "100KB"} if shards else {}))
    tokenizer().save_pretrained(folder_of(cache))
    return model, WeightSource(WeightOptions(cache, offline=True))


def tokenizer() -> PreTrainedTokenizerFast:
    """A fast tokenizer of a few words, with a beginning and an end."""
    made = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="<unk>"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", BEGIN), ("</s>", END)])
    special = {"pad_token": "<pad>", "eos_token": "</s>", "bos_token": "<s>", "unk_token": "<unk>", "cls_token": "<s>"}
    return PreTrainedTokenizerFast(tokenizer_object=made, model_input_names=["input_ids", "attention_mask"], **special)


def num_shards(cache: Path) -> int:
    """How many files the tensors are in."""
    return len(list(folder_of(cache).glob("model-*.safetensors")))


def unit_length(vectors: torch.Tensor):
    """(B, D) as numpy, each row of length 1."""
    return torch.nn.functional.normalize(vectors.detach().float(), dim=-1).numpy()


def last_token(model, cache: Path, turn: str, dim: int, **shown):
    """The last token's state by the library's own forward and the processor from the folder, cut and of length 1."""
    with quiet(), torch.inference_mode():
        given = AutoProcessor.from_pretrained(folder_of(cache))(text=[turn], return_tensors="pt", **shown)
        last = model(**given, output_hidden_states=True).hidden_states[-1][0, -1]
    return torch.nn.functional.normalize(last[:dim], dim=0).numpy()
