"""Image-text networks of transformers, named "transformers/<owner>/<name>": CLIP, SigLIP, fixed-size SigLIP 2."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from extractors.networks import hub
from extractors.networks.image_text import ImageTextNetwork, TokenIds, Tokenize
from pipeline.errors import ConfigError, WeightsError
from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch

    from extractors.networks.base import NetworkPlugin

_STAND_IN_CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "google/siglip2-base-patch16-224": ("siglip", {"text_config": {"vocab_size": 256000}}),
    "openai/clip-vit-base-patch32": ("clip", {}),
}
"""Repository -> model type and settings for stand-in weights, where no config.json is read."""


class TransformersNetwork(ImageTextNetwork):
    """Both towers are in one file, their sizes in config.json; the tokenizer is in the same repository."""

    def __init__(self, name: str, tokenizer: str = "") -> None:
        super().__init__(name, tokenizer)
        self.repository = hub.repository(name)
        if tokenizer:
            raise ValueError(f"network {name!r} has a tokenizer of its own: leave out tokenizer")

    @property
    def image_parts(self) -> dict[str, str]:
        """The towers and their config.json."""
        return dict.fromkeys(("network", "config"), self.name)

    @property
    def text_parts(self) -> dict[str, str]:
        """The same, and the tokenizer."""
        return dict.fromkeys(hub.FILES, self.name)

    def published_file(self, part: str) -> WeightFile:
        """From the repository on the hub."""
        return hub.weight_file(self.name, part)

    def file_without_library(self, part: str) -> WeightFile | None:
        """The same."""
        return self.published_file(part)

    def image_tower(self, plugin: "NetworkPlugin") -> "torch.nn.Module":
        """A module that computes transformers' `get_image_features`."""
        return tower_of(hub.build(plugin, self._config(plugin)), "vision", "visual")

    def text_tower(self, plugin: "NetworkPlugin") -> tuple["torch.nn.Module", Tokenize]:
        """A module that computes transformers' `get_text_features`."""
        network = hub.build(plugin, self._config(plugin))
        return tower_of(network, "text", "text"), self._tokenize(plugin, network.config.text_config)

    def _config(self, plugin: "NetworkPlugin") -> Any:
        if not plugin.source.seeded:
            path = plugin.weight_path("config")
            config = hub.read_config(path)
            if config.model_type not in {"clip", "siglip"}:
                raise WeightsError(f"{path}: a {config.model_type} model; image_text reads clip and siglip")
            return config
        if self.repository not in _STAND_IN_CONFIGS:
            raise ConfigError(f"network {self.name!r}: stand-ins are known of {', '.join(_STAND_IN_CONFIGS)} only")
        from transformers import AutoConfig

        model_type, settings = _STAND_IN_CONFIGS[self.repository]
        return AutoConfig.for_model(model_type, **settings)

    def _tokenize(self, plugin: "NetworkPlugin", text_config: Any) -> Tokenize:
        length = int(text_config.max_position_embeddings)
        if plugin.source.seeded:
            return lambda texts: _stand_ins(texts, text_config.vocab_size, length)
        # All of these networks were trained on lower case, but SigLIP 2's tokenizer does not lower it itself.
        return hub.text_tokenizer(plugin, length, str.lower)

    def token_tower(self, text_tower: "torch.nn.Module") -> "torch.nn.Module":
        """The same tower and projection, for all its tokens."""
        from extractors.networks.pooled_tower import TokenTower

        return TokenTower(text_tower)


def tower_of(
    network: Any, tower: Literal["vision", "text"], projection: Literal["visual", "text"]
) -> "torch.nn.Module":
    """One tower of a CLIP or SigLIP model with its projection, so that the other tower takes no memory.

    transformers has no public way to separate the towers (`get_image_features` needs the whole model), so they are
    taken by attribute. SigLIP has no projections.
    """
    from extractors.networks.pooled_tower import PooledTower

    return PooledTower(getattr(network, f"{tower}_model"), getattr(network, f"{projection}_projection", None))


def _stand_ins(texts: Sequence[str], vocabulary_size: int, length: int) -> TokenIds:
    import torch

    ids = [hub.stand_in_ids(text, vocabulary_size)[:length] for text in texts]
    padded = torch.tensor([one + [0] * (length - len(one)) for one in ids])
    return TokenIds(padded, torch.arange(length) < torch.tensor([[len(one)] for one in ids]))
