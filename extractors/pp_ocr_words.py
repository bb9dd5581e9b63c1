"""OCR expert on PP-OCR of transformers: words or lines in frames as vectors; detector and recogniser on the device.

Cui et al. 2025, "PaddleOCR 3.0 Technical Report".
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded
from extractors.networks import hub, pp_ocr
from extractors.networks.base import NetworkPlugin
from extractors.networks.pretrained import folder_of
from extractors.text.hashed_words import EncoderParams
from extractors.word_experts.ocr_expert import OcrExpert, split_line
from extractors.word_experts.word_expert import WordParams
from pipeline import config
from pipeline.weights.files import WeightFile

_PARTS = {"detector": pp_ocr.DETECTORS, "recogniser": pp_ocr.RECOGNISERS}


@dataclass(frozen=True)
class Params:
    """Settings of the OCR expert."""

    __pydantic_config__ = config.STRICT
    detector: str
    """transformers/<owner>/<name>@<commit> on the hub: a detector of PP-OCRv5 or PP-OCRv6; without a commit the recipe
    has what the files hold."""
    recogniser: str
    """The same of a recogniser."""
    fps: float = 0.5
    """Frames per second; text usually stays for some seconds."""
    short_px: int | None = 480
    """Short side of the frames; legible letters are at least about 10 px high. null: native."""
    detector_px: int = 960
    """Longest side of the detector's input; its time grows with the square."""
    min_confidence: float = 0.8
    """Lines with a lower confidence of the recogniser (0..1) are dropped."""
    words: WordParams = field(default_factory=EncoderParams)
    """Word vectors. Must equal those of the text encoder for words in frames to match the words of a query. For other
    sources than hashing see word_vectors.py."""

    def __post_init__(self) -> None:
        hub.repository(self.detector)  # raises ValueError for another form
        hub.repository(self.recogniser)
        if self.fps <= 0:
            raise ValueError("fps must be above 0")
        if min(self.short_px or 32, self.detector_px) < 32:
            raise ValueError("short_px and detector_px must be at least 32, the detector's grid")
        if not 0 <= self.min_confidence <= 1:
            raise ValueError("min_confidence must be in 0..1")


class Expert(OcrExpert, NetworkPlugin):
    """One row for each word, or each line, in a frame, from the top down."""

    version = 1
    params: Params

    @property
    def published_names(self) -> dict[str, str]:
        """Network, config.json and processor of the detector and of the recogniser."""
        return {f"{part}{end}": getattr(self.params, part) for part in _PARTS for end in pp_ocr.FILES}

    def published_file(self, part: str) -> WeightFile:
        """From the repository on the hub, at its commit where one is named."""
        which, _, end = part.partition("_")
        return hub.file_at(getattr(self.params, which), pp_ocr.FILES[f"_{end}" if end else ""])

    def file_without_library(self, part: str) -> WeightFile | None:
        """The same."""
        return self.published_file(part)

    def load(self, device: str) -> None:
        """Load both networks onto the device, and the word vectors."""
        networks = pp_ocr.stand_ins() if self.source.seeded else (self._loaded("detector"), self._loaded("recogniser"))
        self._reader = pp_ocr.Reader(*networks, device, self.params.detector_px)
        if self.source.seeded:  # stand-ins find nothing, and later stages need some words: a line is all of a frame
            self._reader.thresholds = {"threshold": 0.0, "box_threshold": 0.0}
        self.load_vectors(device)

    def _loaded(self, which: str) -> pp_ocr.Networks:
        files = {f"{which}{end}": name for end, name in pp_ocr.FILES.items()}
        with folder_of(self, files) as folder:
            return pp_ocr.load(folder, _PARTS[which], self.weight_path(which))

    def embed(self, items: NDArray[np.uint8]) -> Embedded:
        """(R, D) vectors, with extras `text` (R,), `confidence` (R,) and `box_px` (R, 4) px of the resized frame."""
        least: Any = 0.0 if self.source.seeded else self.params.min_confidence
        found = [[line for line in lines if line.confidence >= least] for lines in self._reader.read(items)]
        return self.embed_frames([[word for line in lines for word in split_line(*line)] for lines in found])
