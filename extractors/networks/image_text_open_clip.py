"""Image-text networks of open_clip, by "<network>.<weights>", e.g. PE-Core-L-14-336.meta."""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from extractors.networks import hub
from extractors.networks.image_text import ImageTextNetwork, Tokenise
from pipeline.errors import ConfigError
from pipeline.weights.catalog import open_clip_file
from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch

    from extractors.networks.base import Weighted


class OpenClipNetwork(ImageTextNetwork):
    """Both towers lie in one file. `tokenizer`: a repository of the hub, or empty for CLIP's, inside open_clip."""

    def __init__(self, name: str, tokenizer: str = "") -> None:
        super().__init__(name, tokenizer)
        split_name(name)

    @property
    def image_parts(self) -> dict[str, str]:
        """The file with both towers."""
        return {"network": f"open_clip {self.name}"}

    @property
    def text_parts(self) -> dict[str, str]:
        """That file, and the tokenizer's two where it is not inside open_clip."""
        outside = dict.fromkeys(("tokenizer", "tokenizer_config"), self.tokenizer) if self.tokenizer else {}
        return self.image_parts | outside

    def known(self, part: str) -> WeightFile:
        """As open_clip and the hub know them."""
        if part in hub.FILES and part != "network":
            return hub.file_of(f"{hub.PREFIX}{self.tokenizer}", part)
        return open_clip_file(*split_name(self.name))

    def image_tower(self, owner: "Weighted") -> "torch.nn.Module":
        """As open_clip's `encode_image`."""
        tower: torch.nn.Module = owner.filled("network", make(self.name)).get_submodule("visual")
        return tower

    def text_tower(self, owner: "Weighted") -> tuple["torch.nn.Module", Tokenise]:
        """As open_clip's `encode_text`."""
        from torch import nn

        network: Any = owner.filled("network", make(self.name))
        network.visual = nn.Identity()
        network.forward = network.encode_text
        return network, self._tokenise(owner, int(network.context_length), int(network.vocab_size))

    def _tokenise(self, owner: "Weighted", length: int, vocabulary_size: int) -> Tokenise:
        import open_clip
        import torch

        if not self.tokenizer or owner.source.seeded:
            inside = open_clip.SimpleTokenizer(context_length=length)
            return lambda texts: inside(list(texts)) % vocabulary_size
        tokenizer = hub.read_filling_tokenizer(owner.path("tokenizer"), owner.path("tokenizer_config"), length)
        clean = self._clean()

        def tokenise(texts: Sequence[str]) -> torch.Tensor:
            return torch.tensor([written.ids for written in tokenizer.encode_batch([clean(text) for text in texts])])

        return tokenise

    def _clean(self) -> Callable[[str], str]:
        """What is done to a text before it becomes tokens, as the network was trained."""
        import open_clip

        told = open_clip.get_model_config(split_name(self.name)[0])["text_cfg"].get("tokenizer_kwargs", {})
        clean: Callable[[str], str] = open_clip.tokenizer.get_clean_fn(told.get("clean", "whitespace"))
        return clean


def split_name(name: str) -> tuple[str, str]:
    """(network, weights) of "ViT-B-32.openai"; ValueError for another."""
    network, _, weights = name.rpartition(".")
    if not network or not weights:
        raise ValueError(
            f"network {name!r} must be <network>.<weights> as open_clip has them, e.g. ViT-B-32.openai, "
            "or transformers/<owner>/<name> as on the Hugging Face hub"
        )
    return network, weights


def make(name: str) -> "torch.nn.Module":
    """The network with both towers; its tensors are arbitrary."""
    import open_clip

    network, weights = split_name(name)
    if open_clip.get_model_config(network) is None:
        raise ConfigError(f"network {name!r}: open_clip {open_clip.__version__} has no {network!r}")
    quick = bool(open_clip.get_pretrained_cfg(network, weights).get("quick_gelu", False))
    logging.disable(logging.WARNING)  # it would warn of tensors that are about to be replaced
    try:
        made: torch.nn.Module = open_clip.create_model(
            network, load_weights=False, pretrained_text=False, force_quick_gelu=quick
        )
    finally:
        logging.disable(logging.NOTSET)
    return made
