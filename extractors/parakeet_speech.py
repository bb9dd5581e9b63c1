"""Speech expert on Parakeet-TDT of transformers: words with the times that the network itself gives; each is a vector.

Xu et al. 2023, "Efficient Sequence Transduction by Jointly Predicting Tokens and Durations". Silent windows
are not heard at all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import AudioNeed, AudioView, Embedded
from extractors.networks import hub
from extractors.networks.base import NetworkPlugin
from extractors.networks.faster_whisper import StandIn
from extractors.networks.placing import to_device
from extractors.networks.pretrained import folder_of, network_in, processor_in
from extractors.text.hashed_words import EncoderParams
from extractors.whisper_speech import MIN_AUDIO_S, RATE_HZ, WINDOW_S, audio_end_s, loudest_rms
from extractors.word_experts.timing import Piece, TimedWord, mended, spread
from extractors.word_experts.word_expert import WordExpert, WordParams
from pipeline import config
from pipeline.media.audio import Resampler
from pipeline.weights.files import WeightFile

FRAME_S = 0.08
"""Of the network: eight steps of 10 ms."""


@dataclass(frozen=True)
class Params:
    """Settings of the speech expert."""

    __pydantic_config__ = config.STRICT
    network: str = "transformers/nvidia/parakeet-tdt-0.6b-v3"
    """transformers/<owner>/<name> on the hub: a Parakeet-TDT."""
    quietest: float = 1e-4
    """Windows whose loudest half second has a lower root mean square (of samples in -1..1) are silent."""
    resampler: Resampler = "soxr"
    """Resampler to 16 kHz."""
    words: WordParams = field(default_factory=EncoderParams)
    """Word vectors. Must equal those of the text encoder for spoken words to match the words of a query. For other
    sources than hashing see word_vectors.py."""

    def __post_init__(self) -> None:
        hub.repository(self.network)  # raises ValueError for a name that no repository can have
        if self.quietest < 0:
            raise ValueError("quietest must be at least 0")


class Expert(WordExpert, NetworkPlugin):
    """One row for each spoken word, with the extra `text`."""

    version = 1
    params: Params

    @property
    def published_names(self) -> dict[str, str]:
        """The network, its config.json, and its tokenizer."""
        return dict.fromkeys(hub.FILES, self.params.network)

    def published_file(self, part: str) -> WeightFile:
        """From the repository on the hub."""
        return hub.weight_file(self.params.network, part)

    def file_without_library(self, part: str) -> WeightFile | None:
        """The same."""
        return self.published_file(part)

    @property
    def need(self) -> AudioNeed:
        """Windows of 30 s, padded with silence."""
        return AudioNeed(RATE_HZ, WINDOW_S, WINDOW_S, self.params.resampler, MIN_AUDIO_S)

    def prepare(self, view: AudioView) -> NDArray[np.float32]:
        """(N, 480000) samples."""
        return view.windows

    def load(self, device: str) -> None:
        """Load Parakeet onto the device, and the word vectors."""
        self._device = device
        if not self.source.seeded:
            self._load_network()
        self.load_vectors(device)

    def _load_network(self) -> None:
        from transformers import AutoModelForTDT, AutoTokenizer, ParakeetFeatureExtractor, ParakeetProcessor

        path = self.weight_path("network")
        with folder_of(self, hub.FILES) as folder:
            network = network_in(folder, AutoModelForTDT, path, ("parakeet_tdt",))
            tokenizer = processor_in(folder, AutoTokenizer, path.parent)
        bands = network.config.encoder_config.num_mel_bins
        # How sound becomes bands is the same for all of them, so that no further file is needed for it.
        hears: Any = ParakeetFeatureExtractor
        joins: Any = ParakeetProcessor
        self._processor: Any = joins(hears(feature_size=bands), tokenizer)
        self._processor.decoder_type = "tdt"
        kept = network.config
        network.generation_config.decoder_start_token_id = kept.blank_token_id
        # Behind the scores of the tokens stand those of the durations, which the library would take for tokens too.
        durations = range(kept.vocab_size, kept.vocab_size + len(kept.durations))
        network.generation_config.suppress_tokens = list(durations)
        self._network: Any = to_device(network, self._device)

    def embed(self, items: NDArray[np.float32]) -> Embedded:
        """(R, D). One window at a time, without its padding: the network levels its bands over all that it hears."""
        rows = [(item, word) for item, window in enumerate(items) for word in self._words(window)]
        times_s = np.array([(word.start_s, word.end_s) for _, word in rows], np.float64).reshape(-1, 2)
        return self.embed_words([word.text for _, word in rows], [item for item, _ in rows], {}, times_s)

    def _words(self, window: NDArray[np.float32]) -> list[TimedWord]:
        """The words in a window, sorted by start."""
        if loudest_rms(window) < self.params.quietest:
            return []
        end_s = audio_end_s(window)
        heard = mended(list(self._heard(window[: round(end_s * RATE_HZ)])))
        ends_s = (min(max(piece.end_s, piece.start_s + FRAME_S), end_s) for piece in heard)
        words = [
            word
            for piece, stop_s in zip(heard, ends_s, strict=True)
            if piece.start_s < stop_s
            for word in spread(piece.text, piece.start_s, stop_s)
        ]
        return sorted(words, key=lambda word: word.start_s)

    def _heard(self, audio: NDArray[np.float32]) -> Iterator[Piece]:
        if self.source.seeded:
            segments, _ = StandIn().transcribe(audio)
            return (Piece(one.word, one.start, one.end, one.probability) for part in segments for one in part.words)
        return whole_words(self._tokens(audio))

    def _tokens(self, audio: NDArray[np.float32]) -> Sequence[Mapping[str, Any]]:
        """What the network hears, piece by piece, with `token`, `start` and `end` in seconds."""
        import torch

        inputs = self._processor(audio, sampling_rate=RATE_HZ, return_tensors="pt").to(self._device)
        frames = round(len(audio) / RATE_HZ / FRAME_S) + 1
        most = frames * self._network.config.max_symbols_per_step
        with torch.inference_mode():
            told = self._network.generate(**inputs, do_sample=False, max_new_tokens=most)
        _, (tokens,) = self._processor.decode(told.sequences, durations=told.durations, skip_special_tokens=True)
        return list(tokens)


def whole_words(tokens: Sequence[Mapping[str, Any]]) -> Iterator[Piece]:
    """The words that the tokens make up: each begins with a blank, and lasts as long as its tokens."""
    groups: list[list[Mapping[str, Any]]] = []
    for token in tokens:
        if groups and not token["token"].startswith(" "):
            groups[-1].append(token)
        else:
            groups.append([token])
    for group in groups:
        text = "".join(token["token"] for token in group).strip()
        if text:
            yield Piece(text, float(group[0]["start"]), float(max(token["end"] for token in group)), 1.0)
