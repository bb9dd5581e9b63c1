"""Whisper's own decoding of many windows at once; windows that come out badly are tried again, less strictly.

The tries are those of openai-whisper's `transcribe` (Radford et al. 2022, section 4.5). Above temperature 0 tokens are
drawn at random; each window draws from a generator of its own, seeded by its sound alone, so that what is heard in it
is the same every time and whatever else is in the batch. B windows, V tokens of the vocabulary, W tokens so far.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import whisper
from numpy.typing import NDArray
from whisper.decoding import DecodingOptions, DecodingResult, DecodingTask, GreedyDecoder


def decode_with_fallback(
    network: Any,
    mel: torch.Tensor,
    options: DecodingOptions,
    tries: "Tries",
    seeds: Sequence[int],
) -> list[DecodingResult]:
    """The results of the windows' log-mels (B, bands, 3000): of the first try that did not fail, or of the last one."""
    results = decode(network, mel, dataclasses.replace(options, temperature=tries.temperatures[0]), seeds)
    for temperature in tries.temperatures[1:]:
        again = [index for index, result in enumerate(results) if tries.has_failed(result)]
        if not again:
            break
        # The windows were listened to in the first try; only the writing is done anew.
        listened = torch.stack([results[index].audio_features for index in again])
        warmer = dataclasses.replace(options, temperature=temperature)
        written = decode(network, listened, warmer, [seeds[index] for index in again])
        for index, result in zip(again, written, strict=True):
            results[index] = result
    return results


@dataclasses.dataclass(frozen=True)
class Tries:
    """How often a window is tried, and what makes a try fail."""

    temperatures: tuple[float, ...]
    has_failed: Callable[[DecodingResult], bool]


def decode(network: Any, mel: torch.Tensor, options: DecodingOptions, seeds: Sequence[int]) -> list[DecodingResult]:
    """Whisper's results at one temperature, of log-mels or of what its encoder made of them."""
    task = DecodingTask(network, options)
    if options.temperature > 0:
        task.decoder = _Drawn(options.temperature, task.tokenizer.eot, seeds, mel.device)
    results: list[DecodingResult] = task.run(mel)
    return results


def log_mel(windows: torch.Tensor, bands: int) -> torch.Tensor:
    """(B, bands, 3000) of windows (B, 480000), as Whisper was trained."""
    # One by one: Whisper's floor is set by the loudest of all that it is given.
    return torch.stack([whisper.log_mel_spectrogram(window, bands) for window in windows])


def seed_of(window: NDArray[np.float32]) -> int:
    """A number that is decided by the samples of the window (480000,)."""
    return int.from_bytes(hashlib.sha256(window.tobytes()).digest()[:7], "little")


class _Drawn(GreedyDecoder):  # type: ignore[misc]  # whisper has no types
    """Draws tokens as Whisper's decoder does above temperature 0, with a generator a window in place of one for all."""

    def __init__(self, temperature: float, eot: int, seeds: Sequence[int], device: torch.device) -> None:
        super().__init__(temperature, eot)
        self._generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]

    def update(
        self, tokens: torch.Tensor, logits: torch.Tensor, sum_logprobs: torch.Tensor
    ) -> tuple[torch.Tensor, bool]:
        """The tokens (B, W + 1), and whether all windows have ended; adds to `sum_logprobs` (B,). `logits`: (B, V)."""
        chances = (logits.float() / self.temperature).softmax(dim=-1)
        pairs = zip(chances, self._generators, strict=True)
        drawn = torch.cat([torch.multinomial(row, 1, generator=generator) for row, generator in pairs])
        ended = tokens[:, -1] == self.eot
        drawn = drawn.masked_fill(ended, self.eot)
        # How sure Whisper is does not depend on the temperature.
        sure = logits.float().log_softmax(dim=-1).gather(1, drawn[:, None])[:, 0]
        sum_logprobs += sure.masked_fill(ended, 0.0)
        return torch.cat([tokens, drawn[:, None]], dim=1), bool((drawn == self.eot).all())
