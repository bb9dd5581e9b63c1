"""Captions as an expert: a vision-language model, or a file, says what each clip of a video shows; its text is vectors.

What is said is as untrusted as any text of a stranger: it is cut to a length, and words are all that is kept of it.
"""

import dataclasses
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded, FrameNeed
from extractors.captioning import vision_language
from extractors.captioning.describer import Describer, StandIn
from extractors.captioning.plain import sentences
from extractors.captioning.server import Server
from extractors.frames.windows import WindowExtractor
from extractors.networks.base import NetworkPlugin
from extractors.networks.hub import is_hub_name
from extractors.text.tokens import tokens
from extractors.word_experts.segments import STARTS_LINE
from extractors.word_experts.word_expert import AnyWordParams, WordExpert
from extractors.word_vectors import EncoderParams, SegmentParams
from pipeline import config
from pipeline.errors import ExtractionError
from pipeline.weights.files import WeightFile

SERVER = "server/"

PROMPT = (
    "These pictures are one clip of a video, in order. Say in two or three plain sentences who or what is there, what "
    "they do, where it is, and what is written. Do not speak of pictures, frames or a video."
)


@dataclass(frozen=True)
class Params:
    """Settings of the captions."""

    __pydantic_config__ = config.STRICT
    network: str
    """transformers/<owner>/<name> on the hub, or server/<model> as the server at runtime: server: calls it."""
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

    def __post_init__(self) -> None:
        if not (self.network.startswith(SERVER) and self.network != SERVER):
            vision_language.check_name(self.network)
        if self.clip_s <= 0 or min(self.frames, self.short_px, self.max_tokens) < 1:
            raise ValueError("clip_s, frames, short_px and max_tokens must be above 0")
        if not self.prompt.strip():
            raise ValueError("prompt must say what the network is asked")


class Expert(WordExpert, WindowExtractor, NetworkPlugin):
    """One row for each word of what is said of a clip, or with `unit: segment` for each sentence, with its text."""

    version = 1
    params: Params

    @property
    def dim(self) -> int:
        """D, the length of a word vector."""
        return int(self.params.words.dim)

    @property
    def need(self) -> FrameNeed:
        """Clips of frames at equal distances."""
        number = self.params.frames
        return FrameNeed(number / self.params.clip_s, self.params.short_px, number, number)

    @property
    def published_names(self) -> dict[str, str]:
        """The files of the network; of a server its model's name."""
        names = vision_language.FILES if is_hub_name(self.params.network) else ("network",)
        return dict.fromkeys(names, self.params.network)

    def published_file(self, part: str) -> WeightFile:
        """From the repository on the hub."""
        return vision_language.weight_file(self.params.network, part)

    def file_without_library(self, part: str) -> WeightFile | None:
        """The same; None for a server."""
        return self.published_file(part) if is_hub_name(self.params.network) else None

    def weight_files(self) -> dict[str, WeightFile]:
        """The files of the network, and those of the word vectors; a server needs none of its own."""
        return super().weight_files() if is_hub_name(self.params.network) else self.vector_files()

    def load(self, device: str) -> None:
        """Load the network, or see whether the server is there; and load the word vectors."""
        self._describer = self._describer_on(device)
        self.load_vectors(device)

    def _describer_on(self, device: str) -> Describer:
        settings = self.params
        if self.source.seeded:
            return StandIn()
        if is_hub_name(settings.network):
            return vision_language.VisionLanguage(self, device, settings.prompt, settings.max_tokens)
        if not self.runtime.server:
            raise ExtractionError(
                f"network {settings.network}: name the server's address in the expert's YAML, e.g. "
                "runtime: {server: http://127.0.0.1:8000/v1}"
            )
        model = settings.network.removeprefix(SERVER)
        server = Server(self.runtime.server, model, settings.prompt, settings.max_tokens, self.runtime.timeout_s)
        server.check()
        return server

    def embed(self, items: NDArray[np.uint8]) -> Embedded:
        """(R, D), of the words of each clip (B, T, H, W, 3), which all have its times."""
        said = self._describer.describe(items)
        words = [
            (item, word, number == 0)
            for item, description in enumerate(said)
            for sentence in sentences(description.text)
            for number, word in enumerate(tokens(sentence))
        ]
        starts = np.array([starts for *_, starts in words], bool)
        extras = {STARTS_LINE: starts} if isinstance(self.params.words, SegmentParams) else {}
        embedded = self.embed_words([word for _, word, _ in words], [item for item, *_ in words], extras)
        faults = {item: description.fault for item, description in enumerate(said) if description.fault}
        return dataclasses.replace(embedded, faults=faults)
