"""Embeddings by a vision-language model: what it is shown is a turn of a chat, whose last token is the vector."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from extractors.networks.aligned import unit_length
from extractors.networks.hub_model import HubPlugin, load_model, load_processor
from extractors.networks.stand_ins import stand_in_chat, stand_in_model
from pipeline.errors import ConfigError

if TYPE_CHECKING:
    pass

KINDS = {"qwen3_vl"}
FILES = {
    "tokenizer": "tokenizer.json",
    "tokenizer_config": "tokenizer_config.json",
    "processor": "preprocessor_config.json",
    "video_processor": "video_preprocessor_config.json",
    "chat_template": "chat_template.json",
}
"""Part -> file in the repository, beside the model."""
UNUSED = r"lm_head\.weight"
"""What only a model that writes text needs."""


class Chat:
    """A model with the processor of its repository, on a device."""

    def __init__(self, plugin: HubPlugin, device: str) -> None:
        """Loads both; ConfigError where the plugin asks for more numbers than the model has."""
        seeded = plugin.source.seeded
        model = stand_in_model(plugin) if seeded else load_model(plugin, KINDS, UNUSED)
        self._processor = stand_in_chat() if seeded else load_processor(plugin)
        self._dim, width = plugin.params.dim, int(model.config.text_config.hidden_size)
        if self._dim > width:
            raise ConfigError(f"params.dim: {plugin.params.network} has {width} numbers, not {self._dim}")
        self._model: Any = model.eval().requires_grad_(False).to(device)
        self._device = device

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

    def _turn(self, instruction: str, content: dict[str, str]) -> str:
        messages = [
            {"role": "system", "content": [{"type": "text", "text": instruction}]},
            {"role": "user", "content": [content]},
        ]
        turn: str = self._processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        return turn

    def _embedded(self, turn: str, **shown: Any) -> NDArray[np.float32]:
        """The first D numbers of the last token. One at a time: nothing is padded, so that none depends on another."""
        import torch

        given = self._processor(text=[turn], return_tensors="pt", **shown)
        tensors: dict[str, torch.Tensor] = {name: one.to(self._device) for name, one in given.items()}
        with torch.inference_mode():
            last = self._model(**tensors, use_cache=False).last_hidden_state[0, -1, : self._dim]
        return np.asarray(last.float().cpu().numpy(), np.float32)


def stacked(vectors: Sequence[NDArray[np.float32]], dim: int) -> NDArray[np.float32]:
    """(B, D), each of length 1."""
    return unit_length(np.stack(vectors) if vectors else np.zeros((0, dim), np.float32))
