"""Speech expert on faster-whisper: Whisper in CTranslate2, with a detector of voice before it; each word is a vector.

Whisper (Radford et al. 2022) invents text for what is no speech. So Silero's detector of voice, which is inside
faster-whisper's wheel, takes out what is none, and text that repeats itself is dropped. Decoding never samples, so that
a window always has the same words.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from extractors.base import AudioNeed, AudioView, Embedded
from extractors.networks import faster_whisper, hub
from extractors.networks.base import NetworkPlugin
from extractors.text.hashed_words import EncoderParams
from extractors.whisper_speech import MIN_AUDIO_S, RATE_HZ, WINDOW_S, audio_end_s, loudest_rms
from extractors.word_experts.timing import Piece, mended, spread
from extractors.word_experts.word_expert import WordExpert, WordParams
from pipeline import config
from pipeline.media.audio import Resampler
from pipeline.weights.files import WeightFile
from pipeline.weights.wheels import wheel_sha256


@dataclass(frozen=True)
class Params:
    """Settings of the fast speech expert."""

    __pydantic_config__ = config.STRICT
    network: str = "Systran/faster-whisper-tiny.en"
    """Repository on the Hugging Face hub with a Whisper model in CTranslate2's format, or a folder of that name in the
    cache of weights."""
    compute_type: Literal["int8", "int8_float16", "float16", "bfloat16", "float32"] = "int8"
    """In which type CTranslate2 computes; int8 is fast on CPUs, float16 on GPUs, and the words may differ."""
    language: str | None = None
    """Language code, e.g. en; null: detected in each window; a model of English alone hears English."""
    beam_size: int = 1
    """Candidates that the decoder follows at once; 5 is more accurate, and slower."""
    quietest: float = 1e-4
    """Windows whose loudest half second has a lower root mean square (of samples in -1..1) are silent."""
    voice: float = 0.5
    """Audio whose probability of voice is lower is left out."""
    min_silence_s: float = 0.5
    """Pauses that are shorter are not left out."""
    max_no_speech: float = 0.6
    """Segments with a higher probability of silence, and a mean log-probability below the minimum, are dropped."""
    min_log_probability: float = -1.0
    """Of the tokens, in the mean."""
    max_compression: float = 2.4
    """Text with a higher compression ratio repeats itself: the decoder is in a loop. It is dropped."""
    resampler: Resampler = "soxr"
    """Resampler to 16 kHz."""
    words: WordParams = field(default_factory=EncoderParams)
    """Word vectors. Must equal those of the text encoder for spoken words to match the words of a query. For other
    sources than hashing see word_vectors.py."""

    def __post_init__(self) -> None:
        if self.network.count("/") != 1 or not all(self.network.split("/")) or ".." in self.network.split("/"):
            raise ValueError(f"network {self.network!r} must be <owner>/<name> as on the Hugging Face hub")
        hub.check_commit(self.network)
        if not (0 < self.voice < 1 and 0 <= self.max_no_speech <= 1):
            raise ValueError("voice must be between 0 and 1, max_no_speech in 0..1")
        if self.beam_size < 1 or min(self.quietest, self.min_silence_s) < 0 or self.max_compression <= 0:
            raise ValueError("beam_size must be at least 1, quietest and min_silence_s 0, max_compression above 0")


class Expert(WordExpert, NetworkPlugin):
    """One row for each spoken word, with extras `text`, `language` and `confidence`."""

    version = 2
    params: Params

    @property
    def dim(self) -> int:
        """D, the length of a word vector."""
        return int(self.params.words.dim)

    @property
    def published_names(self) -> dict[str, str]:
        """The files of the model."""
        return dict.fromkeys(faster_whisper.files_of(self.params.network), self.params.network)

    def published_file(self, part: str) -> WeightFile:
        """From the repository on the hub."""
        return faster_whisper.weight_file(self.params.network, part)

    def file_without_library(self, part: str) -> WeightFile | None:
        """The same."""
        return self.published_file(part)

    @property
    def weights(self) -> dict[str, str]:
        """Those of Whisper, of the detector of voice in faster-whisper's wheel, and of the word vectors."""
        return super().weights | wheel_sha256("faster-whisper", ".onnx")

    @property
    def need(self) -> AudioNeed:
        """Windows of 30 s, padded with silence."""
        return AudioNeed(RATE_HZ, WINDOW_S, WINDOW_S, self.params.resampler, MIN_AUDIO_S)

    def prepare(self, view: AudioView) -> NDArray[np.float32]:
        """(N, 480000) samples."""
        return view.windows

    def load(self, device: str) -> None:
        """Load Whisper onto the device, and the word vectors."""
        is_seeded = self.source.seeded
        self._network: Any = (
            faster_whisper.StandIn() if is_seeded else faster_whisper.build(self, device, self.params.compute_type)
        )
        self.load_vectors(device)

    def embed(self, items: NDArray[np.float32]) -> Embedded:
        """(R, D)."""
        rows = [(item, *word) for item, window in enumerate(items) for word in self._words(window)]
        extras: dict[str, NDArray[Any]] = {
            "language": np.array([language for *_, language in rows], np.str_),
            "confidence": np.array([confidence for *_, confidence, _ in rows], np.float32),
        }
        times_s = np.array([(start_s, end_s) for _, _, start_s, end_s, *_ in rows], np.float64).reshape(-1, 2)
        return self.embed_words([text for _, text, *_ in rows], [item for item, *_ in rows], extras, times_s)

    def _words(self, window: NDArray[np.float32]) -> list[tuple[str, float, float, float, str]]:
        """Text, start and end in seconds, confidence and language of each word in a window, sorted by start."""
        settings, end_s = self.params, audio_end_s(window)
        if loudest_rms(window) < settings.quietest:
            return []
        segments, info = self._network.transcribe(
            window[: round(end_s * RATE_HZ)],
            language=settings.language,
            beam_size=settings.beam_size,
            temperature=0.0,
            compression_ratio_threshold=None,
            log_prob_threshold=settings.min_log_probability,
            no_speech_threshold=settings.max_no_speech,
            condition_on_previous_text=False,
            word_timestamps=True,
            vad_filter=True,
            vad_parameters={
                "threshold": settings.voice,
                "min_silence_duration_ms": round(settings.min_silence_s * 1000),
            },
        )
        words = [
            (*part, piece.probability, str(info.language))
            for segment in segments
            if segment.compression_ratio <= settings.max_compression
            for piece in mended([Piece(one.word, one.start, one.end, float(one.probability)) for one in segment.words])
            if piece.start_s < min(piece.end_s, end_s)
            for part in spread(piece.text, float(piece.start_s), min(float(piece.end_s), end_s))
        ]
        return sorted(words, key=lambda word: word[1])
