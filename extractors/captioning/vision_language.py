"""Describes clips by a vision-language model of transformers, e.g. Qwen3-VL, from the files of its repository."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.captioning.describer import Describer, Description
from extractors.captioning.plain import plain
from extractors.networks import hub
from extractors.networks.base import NetworkPlugin
from extractors.networks.placing import to_device
from extractors.networks.pretrained import folder_of, network_in, processor_in
from extractors.networks.shards import check_index, in_shards
from pipeline.weights.files import WeightFile

FILES = {
    "network": "model.safetensors",
    "config": "config.json",
    "generation": "generation_config.json",
    "tokenizer": "tokenizer.json",
    "tokenizer_config": "tokenizer_config.json",
    "preprocessor": "preprocessor_config.json",
    "video_preprocessor": "video_preprocessor_config.json",
    "chat_template": "chat_template.json",
}
"""Part of the weights -> its file in a repository such as that of Qwen3-VL-2B-Instruct."""
_SMALL_MB = 0.01


def check_name(name: str) -> None:
    """Raises ValueError for what is no transformers/<owner>/<name>."""
    if not hub.is_hub_name(name):
        raise ValueError(
            f"network {name!r} must be transformers/<owner>/<name> as on the Hugging Face hub, or server/<model>"
        )
    hub.repository(name)


def weight_file(name: str, part: str, shards: int = 0) -> WeightFile:
    """The file of a part of "transformers/<owner>/<name>", whose tensors are in so many files; 0: in one."""
    is_large = part in {"network", "tokenizer"} or part not in FILES
    return hub.file_at(name, in_shards(FILES, shards)[part], 0.0 if is_large else _SMALL_MB)


class VisionLanguage(Describer):
    """A model that goes on from pictures and text with text; always with the likeliest token, so that it repeats."""

    def __init__(self, plugin: NetworkPlugin, device: str, prompt: str, most_tokens: int, shards: int = 0) -> None:
        from transformers import AutoModelForImageTextToText, AutoProcessor

        self._device, self._prompt, self._most_tokens = device, prompt, most_tokens
        files, called = in_shards(FILES, shards), plugin.weight_path("network")
        with folder_of(plugin, files) as folder:
            check_index(folder, files, str(called))
            network = network_in(folder, AutoModelForImageTextToText, called)
            self._processor = processor_in(folder, AutoProcessor, plugin.weight_path("config").parent)
        self._network: Any = to_device(network, device)

    def describe(self, clips: NDArray[np.uint8]) -> list[Description]:
        """As `Describer.describe`; one clip at a time, so that rounding does not depend on a batch."""
        texts = {clip.tobytes(): "" for clip in clips}
        for clip in clips:
            if not texts[clip.tobytes()]:
                texts[clip.tobytes()] = self._text(clip)
        return [
            Description(texts[clip.tobytes()], "" if texts[clip.tobytes()] else "nothing was said of a clip")
            for clip in clips
        ]

    def _text(self, clip: NDArray[np.uint8]) -> str:
        import torch

        inputs = self._inputs(clip).to(self._device)
        with torch.inference_mode():
            tokens = self._network.generate(
                **inputs, max_new_tokens=self._most_tokens, do_sample=False, temperature=None, top_p=None, top_k=None
            )
        new = tokens[0, inputs["input_ids"].shape[1] :]
        return plain(str(self._processor.decode(new, skip_special_tokens=True)))

    def _inputs(self, clip: NDArray[np.uint8]) -> Any:
        """The clip and what is asked, in the form in which the model was taught to be asked."""
        from PIL import Image

        pictures = [{"type": "image", "image": Image.fromarray(frame)} for frame in clip]
        messages = [{"role": "user", "content": [*pictures, {"type": "text", "text": self._prompt}]}]
        return self._processor.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        )
