"""Captions as an expert: a vision-language model, or a file, says what each clip of a video shows; its text is vectors.

What is said is as untrusted as any text of a stranger: it is cut to a length, and words are all that is kept of it.
"""

import dataclasses
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded, FrameNeed, NameNeed, WordView
from extractors.captioning import vision_language
from extractors.captioning.describer import Describer, StandIn
from extractors.captioning.from_file import CaptionFile, Said
from extractors.captioning.plain import sentences
from extractors.captioning.server import Server
from extractors.frames.windows import WindowExtractor
from extractors.networks.base import NetworkPlugin
from extractors.networks.hub import is_hub_name
from extractors.networks.shards import in_shards
from extractors.text.tokens import tokens
from extractors.word_experts.segments import STARTS_LINE
from extractors.word_experts.word_expert import AnyWordParams, WordExpert
from extractors.word_vectors import EncoderParams, SegmentParams
from pipeline import config
from pipeline.errors import ExtractionError, WeightsError
from pipeline.weights.files import WeightFile

SERVER = "server/"
FILE = "file"
CAPTIONS = "captions"
"""The part of the weights that is a file of captions."""

PROMPT = (
    "These pictures are one clip of a video, in order. Say in two or three plain sentences who or what is there, what "
    "they do, where it is, and what is written. Do not speak of pictures, frames or a video."
)


@dataclass(frozen=True)
class Params:
    """Settings of the captions."""

    __pydantic_config__ = config.STRICT
    network: str
    """transformers/<owner>/<name> on the hub; server/<model> as the server at runtime: server: calls it; or file:
    the one under weights: captions: in the YAML, see captioning/from_file.py, for which only `words` counts."""
    prompt: str = PROMPT
    """What it is asked of each clip."""
    clip_s: float = 10.0
    """Length of a clip."""
    frames: int = 8
    """Frames of a clip that it is shown, at equal distances."""
    short_px: int = 336
    """Short side of the frames."""
    max_tokens: int = 160
    """Of an answer."""
    words: AnyWordParams = field(default_factory=EncoderParams)
    """Word vectors; see word_vectors.py. With unit: segment one vector for each sentence."""
    shards: int = field(default=0, metadata=config.LATER)
    """In how many files the repository has the tensors; 0: in one, `model.safetensors`."""

    def __post_init__(self) -> None:
        if self.network != FILE and not (self.network.startswith(SERVER) and self.network != SERVER):
            vision_language.check_name(self.network)
        if self.clip_s <= 0 or min(self.frames, self.short_px, self.max_tokens) < 1 or self.shards < 0:
            raise ValueError("clip_s, frames, short_px and max_tokens must be above 0, and shards not below it")
        if not self.prompt.strip():
            raise ValueError("prompt must say what the network is asked")


class Expert(WordExpert, WindowExtractor, NetworkPlugin):
    """One row for each word of what is said of a clip, or with `unit: segment` for each sentence, with its text."""

    version = 1
    params: Params

    @property
    def need(self) -> FrameNeed | NameNeed:
        """Clips of frames at equal distances; for a file the name of the video."""
        if self.params.network == FILE:
            return NameNeed()
        number = self.params.frames
        return FrameNeed(number / self.params.clip_s, self.params.short_px, number, number)

    @property
    def published_names(self) -> dict[str, str]:
        """The files of the network; of a server its model's name."""
        if self.params.network == FILE:
            return {CAPTIONS: "a file"}
        names = in_shards(vision_language.FILES, self.params.shards) if self._is_of_hub else ("network",)
        return dict.fromkeys(names, self.params.network)

    @property
    def _is_of_hub(self) -> bool:
        return is_hub_name(self.params.network)

    def published_file(self, part: str) -> WeightFile:
        """From the repository on the hub; WeightsError for a file, which the YAML must name."""
        if part == CAPTIONS:
            raise WeightsError("network: file needs a file under weights: captions: in the YAML")
        return vision_language.weight_file(self.params.network, part, self.params.shards)

    def file_without_library(self, part: str) -> WeightFile | None:
        """The same; None for a server, and for a file."""
        return self.published_file(part) if self._is_of_hub else None

    def weight_files(self) -> dict[str, WeightFile]:
        """The files of the network, and those of the word vectors; a server needs none of its own."""
        return self.vector_files() if self.params.network.startswith(SERVER) else super().weight_files()

    def prepare(self, view: Any) -> NDArray[Any]:
        """(N, T, H, W, 3) RGB; for a file (N,) with the fields `word`, of a NameNeed, and `length_s`."""
        if isinstance(view, WordView):
            fields = [("word", view.words.dtype), ("length_s", np.float64)]
            return np.array(list(zip(view.words, view.times_s[:, 1], strict=True)), fields)
        return super().prepare(view)

    def load(self, device: str) -> None:
        """Load the network or the file, or see whether the server is there; and load the word vectors."""
        if self.params.network != FILE:
            self._describer = self._describer_on(device)
        elif not self.source.seeded:
            self._told = CaptionFile(self.weight_path(CAPTIONS))
        self.load_vectors(device)

    def _describer_on(self, device: str) -> Describer:
        settings = self.params
        if self.source.seeded:
            return StandIn()
        if is_hub_name(settings.network):
            return vision_language.VisionLanguage(self, device, settings.prompt, settings.max_tokens, settings.shards)
        if not self.runtime.server:
            raise ExtractionError(
                f"network {settings.network}: name the server's address in the expert's YAML, e.g. "
                "runtime: {server: http://127.0.0.1:8000/v1}"
            )
        model = settings.network.removeprefix(SERVER)
        server = Server(self.runtime.server, model, settings.prompt, settings.max_tokens, self.runtime.timeout_s)
        server.check()
        return server

    def embed(self, items: NDArray[Any]) -> Embedded:
        """(R, D), of the words of each clip (B, T, H, W, 3), which all have its times."""
        if self.params.network == FILE:
            return self._of_file(items)
        said = self._describer.describe(items)
        embedded = self._vectors_of([(item, description.text) for item, description in enumerate(said)])
        faults = {item: description.fault for item, description in enumerate(said) if description.fault}
        return dataclasses.replace(embedded, faults=faults)

    def _of_file(self, videos: NDArray[np.void]) -> Embedded:
        """The same of all that is said of whole videos, with its times; of a clip what lies within it."""
        said = []
        for item, (word, length_s) in enumerate(videos):
            begin, _, path = str(word).partition(" ")
            for caption in self._captions_of(path):
                start_s = max(0.0, caption.start_s - float(begin))
                end_s = min(caption.end_s - float(begin), float(length_s))
                if start_s < end_s:
                    said.append((item, caption.text, (start_s, end_s)))
        return self._vectors_of([(item, text) for item, text, _ in said], [times_s for *_, times_s in said])

    def _captions_of(self, path: str) -> list[Said]:
        if self.source.seeded:
            return [Said(0.0, math.inf, f"A word{zlib.crc32(path.encode()) % 1000} is here.")]
        return self._told.of(path)

    def _vectors_of(
        self, said: Sequence[tuple[int, str]], times_s: Sequence[tuple[float, float]] | None = None
    ) -> Embedded:
        """The rows of (item, text), which have the times of their item where none are given."""
        words = [
            (item, word, at == 0, number)
            for number, (item, text) in enumerate(said)
            for sentence in sentences(text)
            for at, word in enumerate(tokens(sentence))
        ]
        starts = np.array([starts for _, _, starts, _ in words], bool)
        extras = {STARTS_LINE: starts} if isinstance(self.params.words, SegmentParams) else {}
        spans_s = np.array([times_s[number] for *_, number in words]).reshape(-1, 2) if times_s is not None else None
        return self.embed_words([word for _, word, *_ in words], [item for item, *_ in words], extras, spans_s)
