"""Image-text networks of transformers, by "transformers/<owner>/<name>": CLIP, SigLIP, and SigLIP 2 of a fixed size."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from extractors.networks import hub
from extractors.networks.image_text import ImageTextNetwork, Tokenise
from pipeline.errors import ConfigError, WeightsError
from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch

    from extractors.networks.base import Weighted

_STAND_INS: dict[str, tuple[str, dict[str, Any]]] = {
    "google/siglip2-base-patch16-224": ("siglip", {"text_config": {"vocab_size": 256000}}),
    "openai/clip-vit-base-patch32": ("clip", {}),
}
"""Kind and sizes of networks, for stand-ins; a config.json says its own."""


class TransformersNetwork(ImageTextNetwork):
    """Both towers lie in one file, their sizes in config.json; the tokenizer is the repository's own."""

    def __init__(self, name: str, tokenizer: str = "") -> None:
        super().__init__(name, tokenizer)
        self.repository = hub.repository(name)
        if tokenizer:
            raise ValueError(f"network {name!r} has a tokenizer of its own: leave out tokenizer")

    @property
    def image_parts(self) -> dict[str, str]:
        """The towers and their sizes."""
        return dict.fromkeys(("network", "config"), self.name)

    @property
    def text_parts(self) -> dict[str, str]:
        """The same, and the tokenizer."""
        return dict.fromkeys(hub.FILES, self.name)

    def known(self, part: str) -> WeightFile:
        """The hub's."""
        return hub.file_of(self.name, part)

    def image_tower(self, owner: "Weighted") -> "torch.nn.Module":
        """As transformers' `get_image_features`."""
        from extractors.networks.pooled_tower import PooledTower

        network = hub.build(owner, self._config(owner))
        return PooledTower(network.vision_model, getattr(network, "visual_projection", None))

    def text_tower(self, owner: "Weighted") -> tuple["torch.nn.Module", Tokenise]:
        """As transformers' `get_text_features`."""
        from extractors.networks.pooled_tower import PooledTower

        network = hub.build(owner, self._config(owner))
        tower = PooledTower(network.text_model, getattr(network, "text_projection", None))
        return tower, self._tokenise(owner, network.config)

    def _config(self, owner: "Weighted") -> Any:
        if not owner.source.seeded:
            path = owner.path("config")
            config = hub.read_config(path)
            if config.model_type not in {"clip", "siglip"}:
                raise WeightsError(f"{path}: a {config.model_type} model; image_text reads clip and siglip")
            return config
        if self.repository not in _STAND_INS:
            raise ConfigError(f"network {self.name!r}: stand-ins are known of {', '.join(_STAND_INS)} only")
        from transformers import AutoConfig

        kind, sizes = _STAND_INS[self.repository]
        return AutoConfig.for_model(kind, **sizes)

    def _tokenise(self, owner: "Weighted", config: Any) -> Tokenise:
        import torch

        length = int(config.text_config.max_position_embeddings)
        if owner.source.seeded:
            return lambda texts: torch.tensor([_stand_in_ids(text, config.text_config, length) for text in texts])
        tokenizer = hub.read_filling_tokenizer(owner.path("tokenizer"), owner.path("tokenizer_config"), length)

        def tokenise(texts: Sequence[str]) -> torch.Tensor:
            # All of these were trained on small letters, but the tokenizer that SigLIP 2 comes with keeps capitals.
            return torch.tensor([written.ids for written in tokenizer.encode_batch([text.lower() for text in texts])])

        return tokenise


def _stand_in_ids(text: str, text_config: Any, length: int) -> list[int]:
    ids = hub.stand_in_ids(text, text_config.vocab_size)[:length]
    return ids + [0] * (length - len(ids))
