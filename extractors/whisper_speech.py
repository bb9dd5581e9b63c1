"""Speech expert on openai-whisper: transcribes windows of 30 s, batched over videos; each word becomes a vector.

Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision". Whisper invents text for silence, so
silent windows are not transcribed, and windows that Whisper takes for silence, or whose text still repeats itself in
the last try, are dropped.
"""

import functools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import AudioNeed, AudioView, Embedded
from extractors.networks.base import NetworkExtractor
from extractors.networks.placing import array_to_device, full_parts
from extractors.word_experts.timing import TimedWord, spread
from extractors.word_experts.word_expert import AnyWordParams, WordExpert
from extractors.word_vectors import EncoderParams
from pipeline import config
from pipeline.media.audio import Resampler
from pipeline.weights.catalog import whisper_file
from pipeline.weights.files import WeightFile
from pipeline.weights.tensors import load_tensors

if TYPE_CHECKING:
    import torch
    from whisper import DecodingResult

RATE_HZ = 16000
WINDOW_S = 30.0
TICK_S = 0.02
"""Resolution of Whisper's timestamps."""
MIN_AUDIO_S = 0.3
"""A last window with less audio holds no word."""

_SIZES = {
    "tiny": (384, 6, 4, 4),
    "base": (512, 8, 6, 6),
    "small": (768, 12, 12, 12),
    "medium": (1024, 16, 24, 24),
    "large-v3": (1280, 20, 32, 32),
    "turbo": (1280, 20, 32, 4),
}
"""Width, heads, encoder layers, decoder layers (table 1 of the paper), for stand-in weights; a file has its own."""


@dataclass(frozen=True)
class Params:
    """Settings of the speech expert."""

    __pydantic_config__ = config.STRICT
    network: str = "base"
    """tiny, base, small, medium, large-v3 or turbo; larger ones are more accurate and slower."""
    language: str | None = None
    """Language code, e.g. en; null: detected in each window."""
    quietest: float = 1e-4
    """Windows whose loudest half second has a lower root mean square (of samples in -1..1) are silent."""
    max_no_speech: float = 0.6
    """Windows with a higher probability of silence, and a mean log-probability below the minimum, are dropped."""
    min_log_probability: float = -1.0
    """Of the tokens, in the mean; windows below it are tried again."""
    max_compression: float = 2.4
    """Text with a higher compression ratio repeats itself: the decoder is in a loop."""
    temperatures: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    """A window below the minimum probability, or that repeats itself, is decoded again at the next temperature. 0 takes
    the most probable tokens, higher values sample. (0.0,) is fastest: it never tries again."""
    max_tokens: int = 224
    """Maximum number of tokens of a window."""
    resampler: Resampler = "soxr"
    """Resampler to 16 kHz."""
    words: AnyWordParams = field(default_factory=EncoderParams)
    """Word vectors; see word_vectors.py."""

    def __post_init__(self) -> None:
        if self.network not in _SIZES:
            raise ValueError(f"network {self.network!r} must be one of {', '.join(_SIZES)}")
        if not 0 <= self.max_no_speech <= 1 or self.quietest < 0 or self.max_compression <= 0:
            raise ValueError("max_no_speech must be in 0..1, quietest at least 0, max_compression above 0")
        if not 1 <= self.max_tokens <= 224:
            raise ValueError("max_tokens must be in 1..224")
        if not self.temperatures or min(self.temperatures) < 0:
            raise ValueError("temperatures must name at least one, and none below 0")


class Expert(WordExpert, NetworkExtractor):
    """One row for each spoken word, with extras `text`, `language` and `confidence`."""

    version = 3
    params: Params

    @property
    def published_names(self) -> dict[str, str]:
        """The name of the Whisper model."""
        return {"network": f"whisper {self.params.network}"}

    def published_file(self, part: str) -> WeightFile:
        """From the tables of openai-whisper."""
        return whisper_file(self.params.network)

    @property
    def need(self) -> AudioNeed:
        """Windows of 30 s, padded with silence."""
        return AudioNeed(RATE_HZ, WINDOW_S, WINDOW_S, self.params.resampler, MIN_AUDIO_S)

    def prepare(self, view: AudioView) -> NDArray[np.float32]:
        """(N, 480000) samples."""
        return view.windows

    def build(self) -> "torch.nn.Module":
        """Whisper, with the dimensions in its file."""
        from whisper import ModelDimensions, Whisper

        if self.source.seeded:
            width, heads, encoder_layers, decoder_layers = _SIZES[self.params.network]
            bands, vocabulary = (128, 51866) if self.params.network in {"large-v3", "turbo"} else (80, 51865)
            sizes = (bands, 1500, width, heads, encoder_layers, vocabulary, 448, width, heads, decoder_layers)
            return self.with_weights("network", Whisper(ModelDimensions(*sizes)))
        checkpoint = load_tensors(self.weight_path("network"))
        network: torch.nn.Module = Whisper(ModelDimensions(**checkpoint["dims"]))
        network.load_state_dict(checkpoint["model_state_dict"])
        return network

    def load(self, device: str) -> None:
        """Move Whisper to the device, and load the word vectors."""
        from whisper.model import Linear

        from extractors.networks.linear import with_fast_linear

        super().load(device)
        if device == "cpu":
            with_fast_linear(self.network, [Linear])
        self._tokenizer("en")  # reads the vocabulary, which whisper caches

    def _tokenizer(self, language: str) -> Any:
        """Whisper's tokenizer. Not exported by whisper, which has no other way to decode text between timestamps."""
        from whisper.tokenizer import get_tokenizer

        network = self.network
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", category=ResourceWarning
            )  # whisper does not close the file of its vocabulary
            return get_tokenizer(network.is_multilingual, num_languages=network.num_languages, language=language)

    def embed(self, items: NDArray[np.float32]) -> Embedded:
        """(R, D)."""
        audible = np.flatnonzero([loudest_rms(window) >= self.params.quietest for window in items])
        # A GPU gets as many as there are: which of the others are silent must not change the shape.
        given = audible if self.device == "cpu" else audible[full_parts(len(audible), len(items)).ravel()]
        results = self._transcribe(items[given]) if len(audible) else []
        rows = [
            (item, word, result)
            for item, result in zip(audible, results, strict=False)
            if self._is_speech(result)
            for word in self._words_of(result.tokens, result.language, audio_end_s(items[item]))
        ]
        extras: dict[str, NDArray[Any]] = {
            "language": np.array([result.language for _, _, result in rows], np.str_),
            "confidence": np.exp(np.array([result.avg_logprob for _, _, result in rows], np.float32)),
        }
        times_s = np.array([(word.start_s, word.end_s) for _, word, _ in rows], np.float64).reshape(-1, 2)
        return self.embed_words([word.text for _, word, _ in rows], [int(item) for item, _, _ in rows], extras, times_s)

    def _transcribe(self, windows: NDArray[np.float32]) -> "Sequence[DecodingResult]":
        """Whisper's results, one per window."""
        import torch
        from whisper import DecodingOptions

        from extractors.networks.whisper_decoding import RetryPolicy, decode_with_fallback, log_mel, seed_of

        settings = self.params
        options = DecodingOptions(language=settings.language, sample_len=settings.max_tokens, fp16=False)
        policy = RetryPolicy(settings.temperatures, self._has_failed)
        with torch.inference_mode():
            mel = log_mel(array_to_device(windows, self.device), self.network.dims.n_mels)
            # Cast to float32 for autocast: Whisper's decoding raises TypeError for any other type.
            audio_features = self.network.encoder(mel).float()
            seed = functools.cache(lambda index: seed_of(windows[index]))
            return decode_with_fallback(self.network, audio_features, options, policy, seed, self.device != "cpu")

    def _has_failed(self, result: "DecodingResult") -> bool:
        """Whether a window is to be decoded again, by the rules of whisper's `transcribe`."""
        if self._accept_all or self._is_silent(result):
            return False
        return self._is_improbable(result) or self._is_repetitive(result)

    def _is_speech(self, result: "DecodingResult") -> bool:
        """Whether the words of a window are kept; unlike in `transcribe`, repetitive text of the last try is not."""
        return self._accept_all or not (self._is_silent(result) or self._is_repetitive(result))

    @property
    def _accept_all(self) -> bool:
        """With stand-in weights every text is improbable, and later stages need some words."""
        return self.source.seeded

    def _is_improbable(self, result: "DecodingResult") -> bool:
        return bool(result.avg_logprob < self.params.min_log_probability)

    def _is_silent(self, result: "DecodingResult") -> bool:
        return bool(result.no_speech_prob > self.params.max_no_speech) and self._is_improbable(result)

    def _is_repetitive(self, result: "DecodingResult") -> bool:
        return bool(result.compression_ratio > self.params.max_compression)

    def _words_of(self, transcript: Sequence[int], language: str, end_s: float) -> list[TimedWord]:
        """The words of a transcript, text tokens between timestamp tokens; without those after the end of the audio."""
        tokenizer = self._tokenizer(language)
        words, text, start_s = [], [], 0.0
        for token in [*transcript, tokenizer.timestamp_begin + round(WINDOW_S / TICK_S)]:
            if token < tokenizer.timestamp_begin:
                text.append(token)
                continue
            stop_s = min((token - tokenizer.timestamp_begin) * TICK_S, end_s)
            if text and start_s < stop_s:
                words += spread(tokenizer.decode(text), start_s, stop_s)
            text, start_s = [], stop_s
        return words


def audio_end_s(window: NDArray[np.float32]) -> float:
    """Where the audio of a window ends and its padding of zeros begins, rounded up to Whisper's resolution."""
    length = len(window) - int((window[::-1] != 0).argmax()) if window.any() else 0
    return float(np.ceil(length / RATE_HZ / TICK_S) * TICK_S)


def loudest_rms(window: NDArray[np.float32]) -> float:
    """Root mean square of the loudest half second."""
    halves = window[: len(window) // (RATE_HZ // 2) * (RATE_HZ // 2)].reshape(-1, RATE_HZ // 2)
    return float(np.sqrt(np.square(halves).mean(axis=1).max(initial=0)))
