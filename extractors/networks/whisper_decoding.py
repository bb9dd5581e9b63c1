"""Decodes batches of audio windows with openai-whisper; windows with a poor result are decoded again, by sampling.

The retries are those of openai-whisper's `transcribe` (Radford et al. 2022, section 4.5). Above temperature 0 tokens
are sampled; each window has its own random generator, seeded with a hash of its samples, so that its transcript depends
neither on the run nor on the other windows of the batch. B windows, V tokens of the vocabulary, W tokens so far.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import whisper
from numpy.typing import NDArray
from whisper import DecodingOptions, DecodingResult

from extractors.networks.whisper_rules import batched_filters


@dataclasses.dataclass(frozen=True)
class RetryPolicy:
    """Temperatures to try one after another, and which results are tried at the next one."""

    temperatures: tuple[float, ...]
    has_failed: Callable[[DecodingResult], bool]


def decode_with_fallback(
    network: Any,
    audio: torch.Tensor,
    options: DecodingOptions,
    policy: RetryPolicy,
    seed_of_window: Callable[[int], int],
    is_always_full: bool = False,
) -> list[DecodingResult]:
    """For each window the first result that has not failed, or the last one.

    `audio`: the encoder's output (B, 1500, width) for the windows, or their log-mels (B, bands, 3000). A window is
    asked for its seed where it is sampled, which few are. `is_always_full`: in each try there are B windows, the last
    one again and again, so that which of the others have failed does not change the shape.
    """

    def decoded(audio: torch.Tensor, temperature: float, which: Sequence[int]) -> list[DecodingResult]:
        seeds = [seed_of_window(index) for index in which] if temperature else ()
        return decode(network, audio, dataclasses.replace(options, temperature=temperature), seeds)

    results = decoded(audio, policy.temperatures[0], range(len(audio)))
    for temperature in policy.temperatures[1:]:
        failed = [index for index, result in enumerate(results) if policy.has_failed(result)]
        if not failed:
            break
        tried = failed + failed[-1:] * (len(results) - len(failed)) if is_always_full else failed
        # Whisper takes the encoder's output in place of a log-mel: only the decoder runs again.
        audio_features = torch.stack([results[index].audio_features for index in tried])
        for index, result in zip(tried, decoded(audio_features, temperature, tried), strict=True):
            results[index] = result
    return results


def decode(network: Any, mel: torch.Tensor, options: DecodingOptions, seeds: Sequence[int]) -> list[DecodingResult]:
    """Whisper's results at one temperature, for log-mels or for the encoder's output for them.

    whisper exports `decode`, which samples from torch's global generator and has no parameter for another one. So its
    internal DecodingTask is run, with its token decoder replaced; and its logit filters, which make a GPU wait.
    """
    from whisper.decoding import DecodingTask

    task = DecodingTask(network, options)
    task.logit_filters = batched_filters(task, mel.device)
    if options.temperature > 0:
        task.decoder = _SeededSampler(options.temperature, task.tokenizer.eot, seeds, mel.device)
    elif options.beam_size is None:
        task.decoder = _Greedy(task.tokenizer.eot)
    results: list[DecodingResult] = task.run(mel)
    return results


def log_mel(windows: torch.Tensor, bands: int) -> torch.Tensor:
    """The log-mel (B, bands, 3000) of windows (B, 480000) with which Whisper was trained."""
    # One by one: whisper clips at 8 below the maximum of its whole input, which would couple the windows of a batch.
    return torch.stack([whisper.log_mel_spectrogram(window, bands) for window in windows])


def seed_of(window: NDArray[np.float32]) -> int:
    """A 56-bit hash of the samples of a window (480000,)."""
    return int.from_bytes(hashlib.sha256(window.tobytes()).digest()[:7], "little")


class _Greedy:
    """Takes the likeliest token, as whisper's GreedyDecoder does at temperature 0, which copies to the GPU each time.

    Has the methods of whisper's internal TokenDecoder, which a DecodingTask calls.
    """

    def __init__(self, eot: int) -> None:
        self.eot = eot

    def reset(self) -> None:
        """Nothing: a token decoder of ours decodes one batch."""

    def update(
        self, tokens: torch.Tensor, logits: torch.Tensor, sum_logprobs: torch.Tensor
    ) -> tuple[torch.Tensor, bool]:
        """The tokens (B, W + 1), and whether all windows have ended; adds to `sum_logprobs` (B,). `logits`: (B, V)."""
        chosen = self._choose(logits)
        running = tokens[:, -1:] != self.eot
        # As in whisper, the log-probabilities are those at temperature 1, whatever the sampling temperature.
        sum_logprobs += (logits.float().log_softmax(dim=-1).gather(1, chosen) * running)[:, 0]
        chosen = chosen.masked_fill(~running, self.eot)
        # Python waits here for the GPU, once a token: to look less often would cost whole steps after the end.
        return torch.cat([tokens, chosen], dim=1), bool((chosen == self.eot).all())

    def _choose(self, logits: torch.Tensor) -> torch.Tensor:
        """The next token of each window (B, 1)."""
        return logits.argmax(dim=-1, keepdim=True)

    def finalize(self, tokens: torch.Tensor, sum_logprobs: torch.Tensor) -> tuple[torch.Tensor, list[list[float]]]:
        """The tokens (B, 1, W + 1), each row with an end token, and their log-probabilities (B, 1)."""
        # On the CPU, since whisper reads them one row after another.
        return torch.nn.functional.pad(tokens, (0, 1), value=self.eot).cpu(), sum_logprobs.tolist()


class _SeededSampler(_Greedy):
    """Samples tokens as whisper's GreedyDecoder does above temperature 0, with one random generator per window."""

    def __init__(self, temperature: float, eot: int, seeds: Sequence[int], device: torch.device) -> None:
        super().__init__(eot)
        self.temperature = temperature
        self._generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]

    def _choose(self, logits: torch.Tensor) -> torch.Tensor:
        """What torch.multinomial draws from each row with its generator, without its questions to the GPU."""
        probabilities = (logits.float() / self.temperature).softmax(dim=-1)
        noise = torch.empty_like(probabilities)
        for row, generator in zip(noise, self._generators, strict=True):
            row.exponential_(generator=generator)
        # The token with the largest p / q, for q from the exponential distribution, is drawn with probability p.
        return torch.div(probabilities, noise, out=noise).argmax(dim=-1, keepdim=True)

    def finalize(self, tokens: torch.Tensor, sum_logprobs: torch.Tensor) -> tuple[torch.Tensor, list[list[float]]]:
        """As above; RuntimeError where there was nothing to draw from, as from torch.multinomial."""
        finalized, sums = super().finalize(tokens, sum_logprobs)
        if np.isnan(sums).any():
            raise RuntimeError("Whisper gave probabilities that are not numbers")
        return finalized, sums
