"""Image-text networks of transformers, named "transformers/<owner>/<name>", or "...@<commit>".

CLIP, SigLIP and fixed-size SigLIP 2 are taken apart; of any other network that has the library's two functions for its
towers, `get_image_features` and `get_text_features`, these are called: ALIGN, AltCLIP, BLIP, Chinese CLIP, MetaCLIP 2.
"""

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from extractors.networks import hub
from extractors.networks.image_text import ImageTextNetwork, TokenIds, Tokenize
from extractors.networks.pretrained import folder_of, network_in, processor_in
from pipeline.errors import WeightsError
from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch

    from extractors.networks.base import NetworkPlugin

_STAND_IN_CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "google/siglip2-base-patch16-224": ("siglip", {"text_config": {"vocab_size": 256000}}),
    "openai/clip-vit-base-patch32": ("clip", {}),
}
"""Repository -> model type and settings for stand-in weights, where no config.json is read; for others a small CLIP."""
APART = {"clip", "siglip"}
"""Model types whose towers are taken apart."""
MOST_TOKENS = 77
"""Tokens of a text that are read at most where the network could read more."""


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
        settings = self._config(plugin)
        if settings.model_type in APART:
            return tower_of(hub.build(plugin, settings, unused=UNUSED), "vision", "visual")
        return self._public_tower(plugin, of_text=False)

    def text_tower(self, plugin: "NetworkPlugin") -> tuple["torch.nn.Module", Tokenize]:
        """A module that computes transformers' `get_text_features`."""
        settings = self._config(plugin)
        if settings.model_type not in APART:
            return self._public_tower(plugin, of_text=True), self._public_tokenizer(plugin, settings.text_config)
        network = hub.build(plugin, settings, unused=UNUSED)
        return tower_of(network, "text", "text"), self._tokenize(plugin, network.config.text_config)

    def _config(self, plugin: "NetworkPlugin") -> Any:
        from transformers import AutoConfig

        if not plugin.source.seeded:
            path = plugin.weight_path("config")
            config = hub.read_config(path)
            _check_towers(config, str(path))
            return config
        if self.repository in _STAND_IN_CONFIGS:
            model_type, settings = _STAND_IN_CONFIGS[self.repository]
            return AutoConfig.for_model(model_type, **settings)
        one = {"num_hidden_layers": 1, "hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 2}
        sight = one | {"image_size": getattr(plugin.params, "size_px", 224), "patch_size": 32}
        return AutoConfig.for_model(
            "clip", text_config=one, vision_config=sight, projection_dim=int(getattr(plugin.params, "dim", 0))
        )

    def _public_tower(self, plugin: "NetworkPlugin", of_text: bool) -> "torch.nn.Module":
        from transformers import AutoModel

        from extractors.networks.public_tower import PublicTower

        with folder_of(plugin, {part: hub.FILES[part] for part in self.image_parts}) as folder:
            return PublicTower(network_in(folder, AutoModel, self.name, unused=UNUSED), of_text)

    def _public_tokenizer(self, plugin: "NetworkPlugin", text_config: Any) -> Tokenize:
        import torch
        from transformers import AutoTokenizer

        with folder_of(plugin, hub.FILES) as folder:
            tokenizer = processor_in(folder, AutoTokenizer, self.name)
        length = min(int(text_config.max_position_embeddings), int(tokenizer.model_max_length), MOST_TOKENS)

        def tokenize(texts: Sequence[str]) -> TokenIds:
            how: dict[str, Any] = {"padding": "max_length", "truncation": True, "max_length": length}
            told = tokenizer(list(texts), return_tensors="pt", return_special_tokens_mask=True, **how)
            return TokenIds(torch.stack([told["input_ids"], told["attention_mask"]]), told["special_tokens_mask"] == 0)

        return tokenize

    def _tokenize(self, plugin: "NetworkPlugin", text_config: Any) -> Tokenize:
        length = int(text_config.max_position_embeddings)
        if plugin.source.seeded:
            return lambda texts: _stand_ins(texts, text_config.vocab_size, length)
        # All of these networks were trained on lower case, but SigLIP 2's tokenizer does not lower it itself.
        return hub.text_tokenizer(plugin, length, str.lower)

    def token_tower(self, text_tower: "torch.nn.Module") -> "torch.nn.Module | None":
        """The same tower and projection, for all its tokens; None for a network that is not taken apart."""
        from extractors.networks.pooled_tower import PooledTower, TokenTower

        return TokenTower(text_tower) if isinstance(text_tower, PooledTower) else None


UNUSED = r".*position_ids|.*num_batches_tracked"
"""What files hold that the network makes itself."""


def _check_towers(config: Any, called: str) -> None:
    """WeightsError unless the network has functions for both towers, which need nothing but pixels, and ids."""
    from transformers import MODEL_MAPPING

    kind: Any = MODEL_MAPPING.get(type(config), None)
    takes = inspect.signature(kind.get_image_features).parameters if hasattr(kind, "get_image_features") else {}
    if "pixel_values" not in takes or not hasattr(kind, "get_text_features") or "spatial_shapes" in takes:
        raise WeightsError(
            f"{called}: a {config.model_type} model; image_text reads clip, siglip and any other with towers for "
            "pictures of one size and for texts: align, altclip, blip, chinese_clip, metaclip_2"
        )


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
