"""Image-text networks of open_clip, named "<network>.<weights>", e.g. PE-Core-L-14-336.meta."""

import copy
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from extractors.networks import hub
from extractors.networks.image_text import ImageTextNetwork, TokenIds, Tokenize
from pipeline.errors import ConfigError
from pipeline.weights.catalog import open_clip_file
from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch

    from extractors.networks.base import NetworkPlugin


class OpenClipNetwork(ImageTextNetwork):
    """Both towers are in one file. `tokenizer`: a repository on the hub; empty: CLIP's, which open_clip contains."""

    def __init__(self, name: str, tokenizer: str = "") -> None:
        super().__init__(name, tokenizer)
        split_name(name)

    @property
    def image_parts(self) -> dict[str, str]:
        """The file with both towers."""
        return {"network": f"open_clip {self.name}"}

    @property
    def text_parts(self) -> dict[str, str]:
        """The same file, and the two files of a tokenizer on the hub."""
        tokenizer_parts = dict.fromkeys(("tokenizer", "tokenizer_config"), self.tokenizer) if self.tokenizer else {}
        return self.image_parts | tokenizer_parts

    def published_file(self, part: str) -> WeightFile:
        """From the tables of open_clip, or from the tokenizer's repository."""
        if part in hub.FILES and part != "network":
            return hub.weight_file(f"{hub.PREFIX}{self.tokenizer}", part)
        return open_clip_file(*split_name(self.name))

    def file_without_library(self, part: str) -> WeightFile | None:
        """Those of the tokenizer's repository."""
        return None if part == "network" else self.published_file(part)

    def image_tower(self, plugin: "NetworkPlugin") -> "torch.nn.Module":
        """The module that open_clip's `encode_image` runs."""
        return image_tower_of(plugin.with_weights("network", build(self.name)))

    def text_tower(self, plugin: "NetworkPlugin") -> tuple["torch.nn.Module", Tokenize]:
        """A module that runs open_clip's `encode_text`."""
        network: Any = text_tower_of(plugin.with_weights("network", build(self.name)))
        return network, self._tokenize(plugin, int(network.context_length), int(network.vocab_size))

    def _tokenize(self, plugin: "NetworkPlugin", length: int, vocabulary_size: int) -> Tokenize:
        import open_clip

        if self.tokenizer and not plugin.source.seeded:
            return hub.text_tokenizer(plugin, length, text_cleaner(split_name(self.name)[0]))
        tokenizer = open_clip.SimpleTokenizer(context_length=length)
        return lambda texts: _clip_words(tokenizer(list(texts)), vocabulary_size)

    def token_tower(self, text_tower: "torch.nn.Module") -> "torch.nn.Module | None":
        """The same transformer with open_clip's pooling set to none; None for those of another library."""
        tower: torch.nn.Module | None = token_tower_of(text_tower)
        return tower


def _clip_words(ids: "torch.Tensor", vocabulary_size: int) -> TokenIds:
    """The ids of CLIP's tokenizer: a beginning, the text, an end, which is the highest number, and zeros."""
    import torch

    places = torch.arange(ids.shape[1])
    is_word = (places > 0) & (places < ids.argmax(dim=1, keepdim=True))  # 0 is an exclamation mark too
    return TokenIds(ids % vocabulary_size, is_word)


def image_tower_of(network: "torch.nn.Module") -> "torch.nn.Module":
    """The image tower of an open_clip network alone, so that the text tower takes no memory.

    open_clip has no public way to separate the towers; it calls the image tower `visual` in all its networks.
    """
    return network.get_submodule("visual")


def text_tower_of(network: Any) -> Any:
    """The network without its image tower, which now runs `encode_text`; see `image_tower_of`."""
    from torch import nn

    network.visual = nn.Identity()
    network.forward = network.encode_text
    return network


def token_tower_of(network: Any) -> Any:
    """The text tower `network` without pooling: what it computes of each token, projected as the text is.

    A shallow copy, which shares the weights. None where the pooled token is not one of them (CoCa), or where the
    transformer is another library's.
    """
    if hasattr(network, "text_pool_type"):
        own: Any = copy.copy(network)
        own.text_pool_type, own.forward = "none", own.encode_text
        return own
    own = copy.copy(getattr(network, "text", None))
    if not hasattr(own, "pool_type") or getattr(own, "cls_emb", None) is not None:
        return None
    own.pool_type = "none"
    return own


def text_cleaner(network: str) -> Callable[[str], str]:
    """What open_clip applies to a text before the tokenizer, as the network was trained.

    `get_clean_fn` is not exported by open_clip: its public way in, `get_tokenizer`, downloads from the hub.
    """
    from open_clip import get_model_config, tokenizer

    settings = get_model_config(network)["text_cfg"].get("tokenizer_kwargs", {})
    clean: Callable[[str], str] = tokenizer.get_clean_fn(settings.get("clean", "whitespace"))
    return clean


def split_name(name: str) -> tuple[str, str]:
    """(network, weights) of e.g. "ViT-B-32.openai"; ValueError for a name without a dot."""
    network, _, weights = name.rpartition(".")
    if not network or not weights:
        raise ValueError(
            f"network {name!r} must be <network>.<weights> as open_clip has them, e.g. ViT-B-32.openai, "
            "or transformers/<owner>/<name> as on the Hugging Face hub"
        )
    return network, weights


def build(name: str) -> "torch.nn.Module":
    """The network with both towers and uninitialised weights; ConfigError if open_clip has no such network."""
    import open_clip

    network, weights = split_name(name)
    if open_clip.get_model_config(network) is None:
        raise ConfigError(f"network {name!r}: open_clip {open_clip.__version__} has no {network!r}")
    quick = bool(open_clip.get_pretrained_cfg(network, weights).get("quick_gelu", False))
    logging.disable(logging.WARNING)  # open_clip warns that the weights are random; they are replaced
    try:
        model: torch.nn.Module = open_clip.create_model(
            network, load_weights=False, pretrained_text=False, force_quick_gelu=quick
        )
    finally:
        logging.disable(logging.NOTSET)
    return model
