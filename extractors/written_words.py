"""OCR expert on RapidOCR: words in frames as vectors.

RapidOCR's own models (PP-OCR, ONNX) are inside its wheel and always run on the CPU.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded
from extractors.networks import rapid_ocr
from extractors.text.hashed_words import EncoderParams
from extractors.word_experts.ocr_expert import OcrExpert, Word, split_line
from extractors.word_experts.word_expert import WordParams
from pipeline import config
from pipeline.weights.wheels import wheel_sha256


@dataclass(frozen=True)
class Params:
    """Settings of the OCR expert."""

    __pydantic_config__ = config.STRICT
    fps: float = 0.5
    """Frames per second; OCR is slow, and text usually stays for some seconds."""
    short_px: int = 240
    """Short side of the frames; legible letters are at least about 10 px high."""
    detector_px: int = 448
    """Long side of the text detector's input; its time grows with the square."""
    min_confidence: float = 0.9
    """Lines with a lower confidence of the recogniser (0..1) are dropped."""
    words: WordParams = field(default_factory=EncoderParams)
    """Word vectors. Must equal those of the text encoder for words in frames to match the words of a query. For other
    sources than hashing see word_vectors.py."""

    def __post_init__(self) -> None:
        if self.fps <= 0:
            raise ValueError("fps must be above 0")
        if min(self.short_px, self.detector_px) < 32:
            raise ValueError("short_px and detector_px must be at least 32, the detector's grid")
        if not 0 <= self.min_confidence <= 1:
            raise ValueError("min_confidence must be in 0..1")


class Expert(OcrExpert):
    """One row for each word in a frame, in reading order."""

    version = 2
    params: Params

    @property
    def weights(self) -> dict[str, str]:
        """Those of the networks inside the wheel, and those of the word vectors."""
        return super().weights | wheel_sha256("rapidocr", ".onnx")

    @property
    def takes_one_core(self) -> bool:
        """Yes, but where a language model makes the vectors of words."""
        return not getattr(self.params.words, "is_hub_model", False)

    def load(self, device: str) -> None:
        """Build the reader on the CPU, and load the word vectors."""
        super().load(device)
        self._reader = rapid_ocr.reader(self.params.detector_px, self.params.min_confidence)

    def embed(self, items: NDArray[np.uint8]) -> Embedded:
        """(R, D) vectors, with extras `text` (R,), `confidence` (R,) and `box_px` (R, 4) px of the resized frame."""
        return self.embed_frames([self._read(frame) for frame in items])

    def _read(self, frame: NDArray[np.uint8]) -> list[Word]:
        """The words in one frame (H, W, 3) RGB, line by line."""
        import cv2

        result = self._reader(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        if result.boxes is None:
            return []
        lines = zip(result.txts, result.scores, result.boxes, strict=True)
        return [word for text, confidence, corners in lines for word in split_line(text, confidence, corners)]
