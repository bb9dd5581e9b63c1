"""What is written in the picture: RapidOCR reads words, which become vectors.

RapidOCR's own models (PP-OCR, ONNX) are inside its wheel and run on the CPU, whatever the device of the other experts.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded
from extractors.text.hashed_words import EncoderParams
from extractors.word_experts.ocr_expert import ReadingExpert, Word, split_line
from extractors.word_experts.word_expert import WordParams
from pipeline import config
from pipeline.weights.wheels import wheel_sha256


@dataclass(frozen=True)
class Params:
    """Settings of the OCR expert."""

    __pydantic_config__ = config.STRICT
    fps: float = 0.5
    """Frames read per second; reading is slow, and signs stay for a while."""
    short_px: int = 240
    """Short side of the frames; letters need some 10 px of height to be read."""
    detector_px: int = 448
    """Longest side that the text detector sees; its time grows with the square."""
    min_confidence: float = 0.9
    """Lines that the recogniser is less sure of (0..1) are dropped."""
    words: WordParams = field(default_factory=EncoderParams)
    """Must be those of the text encoder, for a word on a sign to match a word searched. Other sources than hashing: as
    in word_vectors.py."""

    def __post_init__(self) -> None:
        if self.fps <= 0:
            raise ValueError("fps must be above 0")
        if min(self.short_px, self.detector_px) < 32:
            raise ValueError("short_px and detector_px must be at least 32, the detector's grid")
        if not 0 <= self.min_confidence <= 1:
            raise ValueError("min_confidence must be in 0..1")


class Expert(ReadingExpert):
    """A unit vector for each word in the picture, in reading order; none where nothing is written."""

    version = 1
    params: Params

    @property
    def weights(self) -> dict[str, str]:
        """The networks inside the wheel, and those of the vectors."""
        return super().weights | wheel_sha256("rapidocr", ".onnx")

    def load(self, device: str) -> None:
        """Start the reader, on the CPU."""
        from rapidocr import RapidOCR

        super().load(device)
        self._reader: Any = RapidOCR(
            params={
                "Global.log_level": "error",  # it would log every file it opens and every frame without text
                "Global.use_cls": False,  # looks for text that is upside down
                "Global.text_score": self.params.min_confidence,
                "Det.limit_type": "max",
                "Det.limit_side_len": self.params.detector_px,
                # Two threads beside busy decode workers took three times as long: they spin while they wait.
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def embed(self, items: NDArray[np.uint8]) -> Embedded:
        """(R, D) vectors, with extras `text` (R,), `confidence` (R,) and `box_px` (R, 4) in pixels of the frame."""
        return self.embed_read([self._read(frame) for frame in items])

    def _read(self, frame: NDArray[np.uint8]) -> list[Word]:
        """The words of one frame (H, W, 3) RGB, line by line."""
        result = self._reader(np.ascontiguousarray(frame[:, :, ::-1]))  # it wants BGR
        if result.boxes is None:
            return []
        lines = zip(result.txts, result.scores, result.boxes, strict=True)
        return [word for text, confidence, corners in lines for word in split_line(text, confidence, corners)]
