"""Models and tokenizers that transformers and tokenizers build from the files of a Hugging Face repository."""

import re
import zlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from extractors.networks.base import NetworkPlugin, Tensors
from extractors.networks.image_text import TokenIds, Tokenize
from extractors.text import tokens
from pipeline.errors import WeightsError
from pipeline.plain_data import parse_json
from pipeline.weights.catalog import hub_file, hub_licence
from pipeline.weights.files import WeightFile

PREFIX = "transformers/"
COMMIT = re.compile(r"[0-9a-f]{40}")
FILES = {
    "network": "model.safetensors",
    "config": "config.json",
    "tokenizer": "tokenizer.json",
    "tokenizer_config": "tokenizer_config.json",
}
"""Part of the weights -> its file in the repository, which a YAML names as transformers/<owner>/<name>."""
_SIZES_MB = {"config": 0.01, "tokenizer_config": 0.01}


def is_hub_name(name: str) -> bool:
    """Whether the name starts with "transformers/"."""
    return name.startswith(PREFIX)


def repository(name: str) -> str:
    """The "<owner>/<name>" of "transformers/<owner>/<name>" or "...@<commit>"; ValueError for anything else."""
    owner_and_name, _, _ = name.removeprefix(PREFIX).partition("@")
    if not is_hub_name(name) or owner_and_name.count("/") != 1 or not all(owner_and_name.split("/")):
        raise ValueError(f"{name!r} must be transformers/<owner>/<name> as on the Hugging Face hub")
    check_commit(name)
    return owner_and_name


def pinned_file(name: str, file: str, size_mb: float = 0.0, licence: str = "") -> WeightFile:
    """A file of the repository "<owner>/<name>", at the commit where the name has one: "...@<commit>"."""
    owner_and_name, _, commit = name.partition("@")
    return replace(hub_file(owner_and_name, file, size_mb, licence), revision=commit)


def check_commit(name: str) -> None:
    """ValueError where what stands behind the @ of a name is no commit."""
    _, at, commit = name.partition("@")
    if at and not COMMIT.fullmatch(commit):
        raise ValueError(f"{name!r}: behind the @ must be a commit of the repository, 40 hex digits")


def file_at(name: str, file: str, size_mb: float = 0.0) -> WeightFile:
    """A file of the repository "transformers/<owner>/<name>", at the commit where the name has one: "...@<commit>"."""
    return pinned_file(name.removeprefix(PREFIX), file, size_mb, hub_licence(repository(name)))


def weight_file(name: str, part: str) -> WeightFile:
    """The file of a part of the repository, as in `file_at`."""
    return file_at(name, FILES[part], _SIZES_MB.get(part, 0.0))


def read_config(path: Path) -> Any:
    """The configuration of transformers in a config.json; WeightsError if it is not that of a known model."""
    from transformers import AutoConfig

    try:
        settings = parse_json(path.read_text(encoding="utf-8"))
        return AutoConfig.for_model(settings.pop("model_type"), **settings)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path}: no config.json of a model that transformers knows: {error}") from None


def build(plugin: NetworkPlugin, config: Any, part: str = "network", unused: str | None = None) -> Any:
    """The model without a head, in float32, with the weights of that part of the plugin.

    With `unused`, WeightsError where the file holds a tensor that is not of the model, unless its whole name matches.
    """
    from transformers import AutoModel

    model = AutoModel.from_config(config).float()  # type: ignore[no-untyped-call]
    # The pooling layer of BERT and its relatives: nothing here uses its output, and many files lack its weights.
    # Internal to transformers, but without risk: where the attribute is gone there is no such layer to remove.
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    names = model.state_dict().keys()

    def adapt(tensors: Tensors) -> Tensors:
        left = [name for name in tensors if name not in names and not re.fullmatch(unused or ".*", name)]
        if left:
            raise WeightsError(f"tensors that the network does not have: {', '.join(sorted(left)[:3])}")
        return without_head(tensors, names)

    return plugin.with_weights(part, model, adapt)


def read_tokenizer(path: Path, max_tokens: int) -> Any:
    """The tokenizer in a tokenizer.json: truncates to `max_tokens`, without padding."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def read_padding_tokenizer(path: Path, config_path: Path, length: int) -> Any:
    """The tokenizer in a tokenizer.json that pads and truncates to `length`.

    The padding token is the one in the tokenizer_config.json at `config_path`; id 0 where that names none.
    """
    tokenizer = read_tokenizer(path, length)
    try:
        entry = parse_json(config_path.read_text(encoding="utf-8")).get("pad_token")
    except (ValueError, AttributeError) as error:
        raise WeightsError(f"{config_path}: no tokenizer_config.json: {error}") from None
    pad_token = str(entry.get("content") if isinstance(entry, dict) else entry)
    tokenizer.enable_padding(length=length, pad_id=tokenizer.token_to_id(pad_token) or 0)
    return tokenizer


def text_tokenizer(plugin: NetworkPlugin, length: int, clean: Callable[[str], str]) -> Tokenize:
    """A function from B texts to their tokens (B, length), by the plugin's parts "tokenizer" and "tokenizer_config".

    `clean` is applied to each text first.
    """
    import torch

    path, config_path = (plugin.weight_path(part) for part in ("tokenizer", "tokenizer_config"))
    tokenizer = read_padding_tokenizer(path, config_path, length)

    def tokenize(texts: Sequence[str]) -> TokenIds:
        found = tokenizer.encode_batch([clean(text) for text in texts])
        ids, special = ([getattr(one, name) for one in found] for name in ("ids", "special_tokens_mask"))
        return TokenIds(torch.tensor(ids), torch.tensor(special) == 0)

    return tokenize


def stand_in_ids(text: str, vocabulary_size: int) -> list[int]:
    """Token ids for stand-in weights, which have no vocabulary: a hash of each word."""
    return [zlib.crc32(word.lower().encode()) % vocabulary_size for word in tokens.tokens(text)]


def without_head(tensors: Tensors, names: Collection[str]) -> Tensors:
    """The tensors of a state dict that the body has, under its `names`.

    A file of a model with a head puts a prefix before the names of the body, which is dropped.
    """
    current = {_current_name(name): tensor for name, tensor in tensors.items()}
    body = {name if name in names else name.partition(".")[2]: tensor for name, tensor in current.items()}
    return {name: tensor for name, tensor in body.items() if name in names}


def _current_name(name: str) -> str:
    """BERT's files still call the weight and bias of LayerNorm gamma and beta, as TensorFlow did."""
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
