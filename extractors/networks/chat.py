"""Embeddings by a vision-language model: what it is shown is a turn of a chat, whose last token is the vector."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.networks.aligned import unit_length
from extractors.networks.hub_model import HubPlugin, load_model, load_processor
from extractors.networks.placing import to_device
from extractors.networks.stand_ins import stand_in_chat, stand_in_model, stand_in_omni_chat
from pipeline.errors import ConfigError

FILES = {
    "tokenizer": "tokenizer.json",
    "tokenizer_config": "tokenizer_config.json",
    "processor": "preprocessor_config.json",
    "video_processor": "video_preprocessor_config.json",
    "chat_template": "chat_template.json",
}
"""Part -> file in the repository, beside the model."""
OMNI_FILES = {
    "tokenizer": "tokenizer.json",
    "tokenizer_config": "tokenizer_config.json",
    "processor": "preprocessor_config.json",
    "chat_template": "chat_template.jinja",
}
"""The same of a model that hears too."""
UNUSED = r"lm_head\.weight"
"""What only a model that writes text needs."""


class Chat:
    """A model with the processor of its repository, on a device."""

    kinds = frozenset({"qwen3_vl"})
    """Model types that are read."""
    ending = ""
    """What stands behind the turn, which the vector is read at."""

    def __init__(self, plugin: HubPlugin, device: str) -> None:
        """Loads both; ConfigError where the plugin asks for more numbers than the model has."""
        seeded = plugin.source.seeded
        model = stand_in_model(plugin) if seeded else load_model(plugin, self.kinds, UNUSED)
        self._processor: Any = self.stand_in() if seeded else load_processor(plugin)
        self._dim, width = plugin.params.dim, int(model.config.text_config.hidden_size)
        if self._dim > width:
            raise ConfigError(f"params.dim: {plugin.params.network} has {width} numbers, not {self._dim}")
        self._model: Any = to_device(model, device)
        self._device = device

    def stand_in(self) -> Any:
        """A processor for stand-in weights."""
        return stand_in_chat()

    def of_text(self, text: str, instruction: str, max_tokens: int) -> NDArray[np.float32]:
        """(D,) of a text, of which at most `max_tokens` tokens are read."""
        tokenizer = self._processor.tokenizer
        places = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        if len(places) > max_tokens:
            text = text[: places[max_tokens - 1][1]]
        return self._embedded(self._turn(instruction, {"type": "text", "text": text}))

    def of_frames(self, frames: NDArray[np.uint8], seconds: float, instruction: str) -> NDArray[np.float32]:
        """(D,) of frames (T, H, W, 3) that are spread evenly over so many seconds, from the first to the last."""
        num = len(frames)
        told = {"total_num_frames": num, "fps": max(1, num - 1) / seconds, "frames_indices": list(range(num))}
        how = {"do_sample_frames": False, "cap_pixels_per_frame": True}  # so many pixels as in qwen-vl-utils
        return self._embedded(self._turn(instruction, {"type": "video"}), videos=[frames], video_metadata=[told], **how)

    def _turn(self, instruction: str, *content: dict[str, str]) -> str:
        system = [{"role": "system", "content": [{"type": "text", "text": instruction}]}] if instruction else []
        messages = [*system, {"role": "user", "content": list(content)}]
        turn: str = self._processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        return turn + self.ending

    def _embedded(self, turn: str, **shown: Any) -> NDArray[np.float32]:
        """The first D numbers of the last token. One at a time: nothing is padded, so that none depends on another."""
        import torch

        given = self._processor(text=[turn], return_tensors="pt", **shown)
        tensors: dict[str, torch.Tensor] = {name: torch.as_tensor(one).to(self._device) for name, one in given.items()}
        with torch.inference_mode():
            last = self._model(**tensors, use_cache=False).last_hidden_state[0, -1, : self._dim]
        return np.asarray(last.float().cpu().numpy(), np.float32)


class OmniChat(Chat):
    """The same with a model that hears too: the thinker of a Qwen2.5-Omni."""

    kinds = frozenset({"qwen2_5_omni_thinker"})
    ending = "<|endoftext|>"

    def __init__(self, plugin: HubPlugin, device: str) -> None:
        super().__init__(plugin, device)
        hears = self._processor.feature_extractor
        self.rate_hz = int(hears.sampling_rate)
        """Of the sound that it takes."""
        self.longest_s = float(hears.n_samples) / self.rate_hz
        """Seconds of sound that it hears at most."""

    def stand_in(self) -> Any:
        """A processor for stand-in weights."""
        return stand_in_omni_chat()

    def of_clip(
        self, frames: NDArray[np.uint8], seconds: float, sound: NDArray[np.float32], instruction: str
    ) -> NDArray[np.float32]:
        """(D,) of frames (T, H, W, 3) that are spread over so many seconds, and of their sound (S,); S may be 0."""
        heard = [{"type": "audio"}] if len(sound) else []
        turn = self._turn(instruction, {"type": "video"}, *heard)
        shown: dict[str, Any] = {"videos": [frames], "fps": len(frames) / seconds, "do_sample_frames": False}
        shown["cap_pixels_per_frame"] = True  # as in qwen-vl-utils
        return self._embedded(turn, **shown, **({"audio": [sound], "sampling_rate": self.rate_hz} if heard else {}))


def stacked(vectors: Sequence[NDArray[np.float32]], dim: int) -> NDArray[np.float32]:
    """(B, D), each of length 1."""
    return unit_length(np.stack(vectors) if vectors else np.zeros((0, dim), np.float32))
