"""Models that transformers builds from the files of a repository on the Hugging Face hub."""

import json
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from extractors.networks.base import Tensors, Weighted
from extractors.text import tokens
from pipeline.errors import WeightsError
from pipeline.weights.catalog import hub_file
from pipeline.weights.files import WeightFile

PREFIX = "transformers/"
FILES = {
    "network": "model.safetensors",
    "config": "config.json",
    "tokenizer": "tokenizer.json",
    "tokenizer_config": "tokenizer_config.json",
}
"""Part of the weights -> its file in the repository, whose name in a YAML is transformers/<owner>/<name>."""
_SMALL_MB = {"config": 0.01, "tokenizer_config": 0.01}
"""Some kilobytes."""


def is_hub_name(name: str) -> bool:
    """Whether it is of the form transformers/owner/name."""
    return name.startswith(PREFIX)


def repository(name: str) -> str:
    """The "owner/name" in it; ValueError for anything else."""
    found = name.removeprefix(PREFIX)
    if not is_hub_name(name) or found.count("/") != 1 or not all(found.split("/")):
        raise ValueError(f"{name!r} must be transformers/<owner>/<name> as on the Hugging Face hub")
    return found


def file_of(name: str, part: str) -> WeightFile:
    """The file of a part."""
    return hub_file(repository(name), FILES[part], _SMALL_MB.get(part, 0.0))


def read_config(path: Path) -> Any:
    """The configuration of transformers that a config.json holds; WeightsError for a file that is none."""
    from transformers import AutoConfig

    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        return AutoConfig.for_model(settings.pop("model_type"), **settings)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path}: no config.json of a model that transformers knows: {error}") from None


def build(owner: Weighted, config: Any, part: str = "network") -> Any:
    """The model without a head, in float32, with the weights of this part of its owner."""
    from transformers import AutoModel

    model = AutoModel.from_config(config).float()  # type: ignore[no-untyped-call]
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # nothing here looks at what BERT and its kin pool, and many files lack the layer
    names = model.state_dict().keys()
    return owner.filled(part, model, lambda tensors: of_the_body(tensors, names))


def read_tokenizer(path: Path, max_tokens: int) -> Any:
    """The tokenizer that a tokenizer.json holds, without padding."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def read_filling_tokenizer(path: Path, config_path: Path, length: int) -> Any:
    """The same, but all texts come out `length` tokens long, filled up as the tokenizer_config.json beside it says."""
    tokenizer = read_tokenizer(path, length)
    told = json.loads(config_path.read_text(encoding="utf-8")).get("pad_token")
    filler = str(told.get("content") if isinstance(told, dict) else told)
    tokenizer.enable_padding(length=length, pad_id=tokenizer.token_to_id(filler) or 0)
    return tokenizer


def stand_in_ids(text: str, vocabulary_size: int) -> list[int]:
    """A stand-in has no vocabulary: each word gets any place in the table, always the same."""
    return [zlib.crc32(word.lower().encode()) % vocabulary_size for word in tokens.tokens(text)]


def of_the_body(tensors: Tensors, names: Collection[str]) -> Tensors:
    """The tensors of a file that are called `names`, without those of its head.

    Heads put a prefix before the others, which is dropped.
    """
    modern = {_modern(name): tensor for name, tensor in tensors.items()}
    short = {name if name in names else name.partition(".")[2]: tensor for name, tensor in modern.items()}
    return {name: tensor for name, tensor in short.items() if name in names}


def _modern(name: str) -> str:
    """BERT's files still name the scale and shift of their norms as TensorFlow did."""
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
