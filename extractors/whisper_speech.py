"""What is said: openai-whisper hears words in windows of 30 s, of many videos at once, and each becomes a vector.

Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision". No text is made up on silence:
silent windows are not heard at all, and what Whisper itself takes for silence, or still repeats in its last try, is
dropped. W words.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from extractors.base import AudioNeed, AudioView, Embedded
from extractors.networks.base import NetworkExtractor, to_device
from extractors.text.tokens import tokens
from extractors.word_experts.word_expert import WordExpert
from extractors.word_vectors import EncoderParams
from pipeline import config
from pipeline.media.audio import Resampler
from pipeline.weights.catalog import whisper_file
from pipeline.weights.files import WeightFile
from pipeline.weights.tensors import load_tensors

if TYPE_CHECKING:
    import torch

RATE_HZ = 16000
WINDOW_S = 30.0
TICK_S = 0.02
"""Whisper's clock ticks that often."""
SHORTEST_SOUND_S = 0.3
"""A last window with less sound holds no word."""

_SIZES = {
    "tiny": (384, 6, 4, 4),
    "base": (512, 8, 6, 6),
    "small": (768, 12, 12, 12),
    "medium": (1024, 16, 24, 24),
    "large-v3": (1280, 20, 32, 32),
    "turbo": (1280, 20, 32, 4),
}
"""Width, heads, layers that hear, layers that write: table 1 of the paper, for stand-ins; a file says its own."""


@dataclass(frozen=True)
class Params:
    """Settings of the speech expert."""

    __pydantic_config__ = config.STRICT
    network: str = "base"
    """tiny, base, small, medium, large-v3, turbo; larger ones make fewer mistakes, and take longer."""
    language: str | None = None
    """Code of the language, e.g. en; null: found in each window."""
    quietest: float = 1e-4
    """Windows whose loudest half second has a lower root mean square (of -1..1) are silent."""
    max_no_speech: float = 0.6
    """Windows that Whisper takes for silence with a higher probability, and is not sure of the words, have none."""
    min_log_probability: float = -1.0
    """Mean over the tokens; windows below it are not sure."""
    max_compression: float = 2.4
    """Text that packs better than this repeats itself: Whisper has lost the thread."""
    temperatures: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    """A window that is not sure, or repeats itself, is tried at the next one; 0 takes the likeliest token, others draw.
    With 0.0 alone there is one try, which costs the least."""
    max_tokens: int = 224
    """Tokens written for a window at the most."""
    resampler: Resampler = "soxr"
    """How the sound comes to 16 kHz."""
    words: EncoderParams = field(default_factory=EncoderParams)
    """How words become vectors."""

    def __post_init__(self) -> None:
        if self.network not in _SIZES:
            raise ValueError(f"network {self.network!r} must be one of {', '.join(_SIZES)}")
        if not 0 <= self.max_no_speech <= 1 or self.quietest < 0 or self.max_compression <= 0:
            raise ValueError("max_no_speech must be in 0..1, quietest at least 0, max_compression above 0")
        if not 1 <= self.max_tokens <= 224:
            raise ValueError("max_tokens must be in 1..224")
        if not self.temperatures or min(self.temperatures) < 0:
            raise ValueError("temperatures must name at least one, and none below 0")


class Word(NamedTuple):
    """A word heard in a window."""

    text: str
    start_s: float
    """From the start of the window."""
    end_s: float


class Expert(WordExpert, NetworkExtractor):
    """A vector for each word said, with extras `text`, `language` and `confidence`."""

    version = 2
    params: Params

    @property
    def released(self) -> dict[str, str]:
        """Whisper, by its size."""
        return {"network": f"whisper {self.params.network}"}

    def known(self, part: str) -> WeightFile:
        """Whisper's, as its library knows it."""
        return whisper_file(self.params.network)

    @property
    def need(self) -> AudioNeed:
        """Windows of 30 s, whole or with silence at the end."""
        return AudioNeed(RATE_HZ, WINDOW_S, WINDOW_S, self.params.resampler, SHORTEST_SOUND_S)

    def prepare(self, view: AudioView) -> NDArray[np.float32]:
        """(N, 480000) samples."""
        windows = [view.samples[start : start + view.window] for start in view.starts]
        return np.array(windows, np.float32).reshape(-1, round(WINDOW_S * RATE_HZ))

    def build(self) -> "torch.nn.Module":
        """Whisper, of the size that its file says."""
        from whisper.model import ModelDimensions, Whisper

        if self.source.seeded:
            width, heads, hear, write = _SIZES[self.params.network]
            bands, vocabulary = (128, 51866) if self.params.network in {"large-v3", "turbo"} else (80, 51865)
            sizes = (bands, 1500, width, heads, hear, vocabulary, 448, width, heads, write)
            return self.filled("network", Whisper(ModelDimensions(*sizes)))
        checkpoint = load_tensors(self.path("network"))
        network: torch.nn.Module = Whisper(ModelDimensions(**checkpoint["dims"]))
        network.load_state_dict(checkpoint["model_state_dict"])
        return network

    def load(self, device: str) -> None:
        """Put Whisper on the device, and get the word vectors ready."""
        super().load(device)
        self._tokenizer("en")  # read here once, whisper's own calls share it

    def _tokenizer(self, language: str) -> Any:
        from whisper.tokenizer import get_tokenizer

        network = self.network
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=ResourceWarning)  # whisper leaves its vocabulary's file open
            return get_tokenizer(network.is_multilingual, num_languages=network.num_languages, language=language)

    def embed(self, items: NDArray[np.float32]) -> Embedded:
        """(R, D)."""
        loud = np.flatnonzero([loudest(window) >= self.params.quietest for window in items])
        heard = self._hear(items[loud]) if len(loud) else []
        rows = [
            (item, word, result)
            for item, result in zip(loud, heard, strict=True)
            if self._is_speech(result)
            for word in self._split(result.tokens, result.language, sound_s(items[item]))
        ]
        extras: dict[str, NDArray[Any]] = {
            "language": np.array([result.language for _, _, result in rows], np.str_),
            "confidence": np.exp(np.array([result.avg_logprob for _, _, result in rows], np.float32)),
        }
        times_s = np.array([(word.start_s, word.end_s) for _, word, _ in rows], np.float64).reshape(-1, 2)
        return self.embed_words([word.text for _, word, _ in rows], [int(item) for item, _, _ in rows], extras, times_s)

    def _hear(self, windows: NDArray[np.float32]) -> Sequence[Any]:
        """Whisper's results, one a window."""
        import torch
        from whisper import DecodingOptions

        from extractors.networks.whisper_decoding import Tries, decode_with_fallback, log_mel, seed_of

        settings = self.params
        options = DecodingOptions(language=settings.language, sample_len=settings.max_tokens, fp16=False)
        tries = Tries(settings.temperatures, self._has_failed)
        with torch.inference_mode():
            mel = log_mel(to_device(windows, self.device), self.network.dims.n_mels)
            return decode_with_fallback(self.network, mel, options, tries, [seed_of(window) for window in windows])

    def _has_failed(self, result: Any) -> bool:
        """Whether a window is to be tried again, as Whisper's own transcription judges."""
        unsure = result.avg_logprob < self.params.min_log_probability
        return not self._judge_nothing and not self._is_silent(result) and (unsure or self._repeats(result))

    def _is_speech(self, result: Any) -> bool:
        """Whether the words of a window are kept. Whisper's own keeps repetitions of the last try; they are made up."""
        return self._judge_nothing or not (self._is_silent(result) or self._repeats(result))

    @property
    def _judge_nothing(self) -> bool:
        """Stand-ins are never sure of anything, and what comes after needs words to work on."""
        return bool(self.source.seeded)

    def _is_silent(self, result: Any) -> bool:
        unsure = result.avg_logprob < self.params.min_log_probability
        return bool(result.no_speech_prob > self.params.max_no_speech and unsure)

    def _repeats(self, result: Any) -> bool:
        return bool(result.compression_ratio > self.params.max_compression)

    def _split(self, written: Sequence[int], language: str, until_s: float) -> list[Word]:
        """The words of what Whisper wrote: text tokens between time tokens; none where there is no sound any more."""
        tokenizer = self._tokenizer(language)
        found, text, start_s = [], [], 0.0
        for token in [*written, tokenizer.timestamp_begin + round(WINDOW_S / TICK_S)]:
            if token < tokenizer.timestamp_begin:
                text.append(token)
                continue
            at_s = min((token - tokenizer.timestamp_begin) * TICK_S, until_s)
            if text and start_s < at_s:
                found += spread(tokenizer.decode(text), start_s, at_s)
            text, start_s = [], at_s
        return found


def sound_s(window: NDArray[np.float32]) -> float:
    """Where the sound ends and what the window is filled with begins, rounded up to Whisper's clock."""
    sounding = np.flatnonzero(window)
    return float(np.ceil((sounding[-1] + 1) / RATE_HZ / TICK_S) * TICK_S) if len(sounding) else 0.0


def loudest(window: NDArray[np.float32]) -> float:
    """Root mean square of the loudest half second."""
    halves = window[: len(window) // (RATE_HZ // 2) * (RATE_HZ // 2)].reshape(-1, RATE_HZ // 2)
    return float(np.sqrt(np.square(halves).mean(axis=1).max(initial=0)))


def spread(text: str, start_s: float, end_s: float) -> list[Word]:
    """The words of a sentence, each with the time that its letters take if all letters are equally long."""
    said = tokens(text)
    ends = np.cumsum([len(word) for word in said], dtype=np.float64)
    edges = start_s + np.concatenate([[0], ends]) / max(len("".join(said)), 1) * (end_s - start_s)
    return [Word(word, *span) for word, *span in zip(said, edges[:-1].tolist(), edges[1:].tolist(), strict=True)]
