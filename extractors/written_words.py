"""What is written in the picture: RapidOCR reads words, which become hashed vectors.

RapidOCR's own models (PP-OCR, ONNX) are inside its wheel and run on the CPU, whatever the device of the other experts.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded, Extractor, FrameNeed, FrameView
from extractors.words import EncoderParams, tokens, vectors
from pipeline import config
from pipeline.weights import wheel_sha256


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
    words: EncoderParams = field(default_factory=EncoderParams)
    """Must be those of the text encoder, for a word on a sign to match a word searched."""

    def __post_init__(self) -> None:
        if self.fps <= 0:
            raise ValueError("fps must be above 0")
        if min(self.short_px, self.detector_px) < 32:
            raise ValueError("short_px and detector_px must be at least 32, the detector's grid")
        if not 0 <= self.min_confidence <= 1:
            raise ValueError("min_confidence must be in 0..1")


class Word(NamedTuple):
    """A word read in a frame."""

    text: str
    confidence: float
    box_px: tuple[float, float, float, float]
    """Left, top, right, bottom."""


class Expert(Extractor):
    """A unit vector for each word in the picture, in reading order; none where nothing is written."""

    version = 1
    params: Params

    @property
    def dim(self) -> int:
        """D, the length of a word vector."""
        return self.params.words.dim

    @property
    def weights(self) -> dict[str, str]:
        """The networks inside the wheel."""
        return wheel_sha256("rapidocr", ".onnx")

    @property
    def need(self) -> FrameNeed:
        """Single frames."""
        return FrameNeed(self.params.fps, self.params.short_px)

    def prepare(self, view: FrameView) -> NDArray[np.uint8]:
        """(N, H, W, 3) RGB."""
        return view.frames[view.starts]

    def load(self, device: str) -> None:
        """Start the reader, on the CPU."""
        from rapidocr import RapidOCR

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
        found = [self._read(frame) for frame in items]
        flat = [word for frame in found for word in frame]
        item_index = np.repeat(np.arange(len(items)), [len(frame) for frame in found])
        extras: dict[str, NDArray[Any]] = {
            "text": np.array([word.text for word in flat], np.str_),
            "confidence": np.array([word.confidence for word in flat], np.float32),
            "box_px": np.array([word.box_px for word in flat], np.float32).reshape(-1, 4),
        }
        values = vectors([word.text for word in flat], self.params.words)
        return Embedded(values, item_index.astype(np.int64), extras)

    def _read(self, frame: NDArray[np.uint8]) -> list[Word]:
        """The words of one frame (H, W, 3) RGB, line by line."""
        result = self._reader(np.ascontiguousarray(frame[:, :, ::-1]))  # it wants BGR
        if result.boxes is None:
            return []
        lines = zip(result.txts, result.scores, result.boxes, strict=True)
        return [word for text, confidence, corners in lines for word in split_line(text, confidence, corners)]


def split_line(text: str, confidence: float, corners: NDArray[np.float32]) -> list[Word]:
    """The words of a line whose corners (4, 2) go clockwise from the top left.

    Each gets the part of the line that its letters take if all letters are equally wide.
    """
    left_top, right_top, right_bottom, left_bottom = np.asarray(corners, np.float64)
    found, end = [], 0
    for token in tokens(text):
        start = max(text.find(token, end), end)  # a ligature is spelled out in the token, and not found as such
        end = start + len(token)
        parts = np.array([[start], [end]]) / max(len(text), end)
        edges = [left_top + parts * (right_top - left_top), left_bottom + parts * (right_bottom - left_bottom)]
        points = np.concatenate(edges)
        found.append(Word(token, confidence, (*points.min(axis=0), *points.max(axis=0))))
    return found
