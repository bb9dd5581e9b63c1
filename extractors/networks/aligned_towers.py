"""Towers of networks of transformers that put videos, sound and texts into one space: how each computes its vectors.

Where the library has a public function for a tower it is called; PE-AV and its relatives have none that works for all
of them, so their encoders and heads are called in the way that their own `forward` does. B items, D numbers.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

Compute = Callable[..., Any]


class Tower(nn.Module):
    """One tower of a network: maps its inputs to (B, D)."""

    def __init__(self, model: nn.Module, compute: Compute) -> None:
        super().__init__()
        self.model = model
        self.compute = compute

    def forward(self, *inputs: torch.Tensor) -> Any:
        """(B, D)."""
        return self.compute(self.model, *inputs)


class Towers(NamedTuple):
    """The two towers of one model type for one module, and what of the model each can do without."""

    media: Compute
    """(model, inputs) to (B, D)."""
    text: Compute
    """(model, ids (B, W), mask (B, W)) to (B, D)."""
    tokens: Compute
    """The same to (B, W, D): each token by the head that `text` puts on one of them."""
    text_parts: tuple[str, ...] = ("text_model",)
    """Attributes that only texts need, dotted."""
    media_parts: tuple[str, ...] = ()
    """Attributes that only the others need."""


def _pooled_text(model: Any, ids: torch.Tensor, mask: torch.Tensor) -> Any:
    return model.get_text_features(input_ids=ids, attention_mask=mask).pooler_output


def _text_states(model: Any, ids: torch.Tensor, mask: torch.Tensor) -> Any:
    return model.text_model(input_ids=ids, attention_mask=mask).last_hidden_state


def _videoprism_tokens(model: Any, *words: torch.Tensor) -> Any:
    return _text_states(model, *words)[:, :-1]  # behind them it puts the one that is the text


def _xclip_tokens(model: Any, *words: torch.Tensor) -> Any:
    return model.text_projection(_text_states(model, *words))


def _clap_tokens(model: Any, *words: torch.Tensor) -> Any:
    states = _text_states(model, *words)
    alone = states.flatten(0, 1)[:, None]  # its pooling takes the first token, so each is shown to it as the first
    return model.text_projection(model.text_model.pooler(alone)).unflatten(0, states.shape[:2])


def _videoprism(model: Any, pixels: torch.Tensor) -> Any:
    return model.get_video_features(pixel_values_videos=pixels).pooler_output.flatten(1)


def _xclip(model: Any, pixels: torch.Tensor) -> Any:
    return model.get_video_features(pixel_values=pixels).pooler_output


def _clap(model: Any, spectrograms: torch.Tensor) -> Any:
    # The feature extractor calls one short sound of a batch long, by lot; none of ours is longer than its window.
    is_longer = torch.zeros(len(spectrograms), 1, dtype=torch.bool, device=spectrograms.device)
    return model.get_audio_features(input_features=spectrograms, is_longer=is_longer).pooler_output


def _pe_states(model: Any, ids: torch.Tensor, mask: torch.Tensor) -> Any:
    return model.text_model(input_ids=ids, attention_mask=mask, output_hidden_states=-1).hidden_states[-1]


def _pe_texts(head: str) -> tuple[Compute, Compute]:
    """The vector of a text is that of its first token by this head of the model; and so are those of its tokens."""

    def text(model: Any, *words: torch.Tensor) -> Any:
        return getattr(model, head)(_pe_states(model, *words)[:, 0])

    def tokens(model: Any, *words: torch.Tensor) -> Any:
        return getattr(model, head)(_pe_states(model, *words))

    return text, tokens


def _pe_video(model: Any, pixels: torch.Tensor) -> Any:
    return model.video_head(model.video_encoder(pixel_values_videos=pixels).pooler_output)


def _pe_audio(model: Any, samples: torch.Tensor) -> Any:
    return model.audio_head(model.audio_encoder(input_values=samples).pooler_output)


def _pe_audio_video(model: Any, pixels: torch.Tensor, samples: torch.Tensor) -> Any:
    return model.get_audio_video_embeds(input_values=samples, pixel_values_videos=pixels).audio_video_embeds


_PE_VIDEO = Towers(_pe_video, *_pe_texts("text_video_head"), media_parts=("video_encoder",))
_PE_AUDIO = Towers(_pe_audio, *_pe_texts("text_audio_head"), media_parts=("audio_encoder",))

TOWERS: dict[str, dict[str, Towers]] = {
    "video_text": {
        "videoprism": Towers(_videoprism, _pooled_text, _videoprism_tokens, media_parts=("video_model",)),
        "xclip": Towers(_xclip, _pooled_text, _xclip_tokens, media_parts=("vision_model", "mit", "prompts_generator")),
        "pe_video": _PE_VIDEO,
        "pe_audio_video": _PE_VIDEO,
    },
    "audio_text": {
        "clap": Towers(_clap, _pooled_text, _clap_tokens, media_parts=("audio_model",)),
        "pe_audio": _PE_AUDIO,
        "pe_audio_video": _PE_AUDIO,
    },
    "audio_video_text": {
        "pe_audio_video": Towers(
            _pe_audio_video,
            *_pe_texts("text_audio_video_head"),
            text_parts=("text_model", "audio_model", "video_model"),
            media_parts=("audio_video_encoder", "audio_model", "video_model"),
        )
    },
}
"""Module in extractors/ -> model type -> its towers."""

_INNER = {("video_text", "pe_audio_video"): "video_model", ("audio_text", "pe_audio_video"): "audio_model"}
"""Where a network for frames and sound holds one that takes only one of them."""


def tower(module: str, model: Any, of_text: bool) -> Tower:
    """One tower of a model for a module; what only the other one needs is dropped."""
    towers = TOWERS[module][model.config.model_type]
    inner = _INNER.get((module, model.config.model_type))
    model = getattr(model, inner) if inner else model
    for name in towers.media_parts if of_text else towers.text_parts:
        setattr(model, name, None)
    return Tower(model, towers.text if of_text else towers.media)
