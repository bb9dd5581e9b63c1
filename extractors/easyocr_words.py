"""OCR expert on EasyOCR: words in frames as vectors.

The detector is CRAFT (Baek et al. 2019), the recogniser a CRNN (Shi et al. 2017); both run on the device.
"""

import functools
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded
from extractors.networks import easyocr_batches, easyocr_reader
from extractors.networks.base import NetworkExtractor, without_module_prefix
from extractors.networks.batch_norm import fold_batch_norms
from extractors.networks.placing import network_to_device, with_float32_output
from extractors.word_experts.ocr_expert import OcrExpert, Word, split_line
from extractors.word_experts.word_expert import AnyWordParams
from extractors.word_vectors import EncoderParams
from pipeline import config
from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Params:
    """Settings of the OCR expert."""

    __pydantic_config__ = config.STRICT
    languages: tuple[str, ...] = ("en",)
    """EasyOCR's language codes; all of one script."""
    fps: float = 0.5
    """Frames per second; OCR is slow, and text usually stays for some seconds."""
    short_px: int | None = 480
    """Short side of the frames; legible letters are at least about 10 px high. null: native."""
    detector_px: int = 1280
    """Long side of the detector's input; its time grows with the square."""
    min_confidence: float = 0.4
    """Lines with a lower confidence of the recogniser (0..1) are dropped."""
    words: AnyWordParams = field(default_factory=EncoderParams)
    """Word vectors; see word_vectors.py."""

    def __post_init__(self) -> None:
        if not self.languages or self.fps <= 0:
            raise ValueError("languages must name at least one, and fps must be above 0")
        if min(self.short_px or 32, self.detector_px) < 32:
            raise ValueError("short_px and detector_px must be at least 32, the detector's grid")
        if not 0 <= self.min_confidence <= 1:
            raise ValueError("min_confidence must be in 0..1")


class Expert(OcrExpert, NetworkExtractor):
    """One row for each word in a frame, with extras `text`, `confidence` and `box_px`."""

    version = 2
    params: Params

    @property
    def published_names(self) -> dict[str, str]:
        """Detector and recogniser."""
        return {"detector": "easyocr craft", "recogniser": f"easyocr {','.join(sorted(self.params.languages))}"}

    def published_file(self, part: str) -> WeightFile:
        """From the tables of EasyOCR."""
        return easyocr_reader.detector_file() if part == "detector" else self._reader_and_recogniser()[1].file

    def build(self) -> "torch.nn.Module":
        """The detector."""
        detector = self.with_weights("detector", easyocr_reader.build_detector(), without_module_prefix)
        fold_batch_norms(detector.eval(), 3, 64, 64, result=lambda output: output[0])
        return detector

    def load(self, device: str) -> None:
        """Move both networks to the device, and load the word vectors."""
        super().load(device)
        self._reader, recogniser = self._reader_and_recogniser()
        network = self.with_weights("recogniser", easyocr_reader.build_recogniser(recogniser), without_module_prefix)
        detector, network = map(with_float32_output, (self.network, network_to_device(network, device)))
        easyocr_reader.insert_networks(self._reader, detector, network, recogniser.characters, device)
        easyocr_reader.look_with(self._reader, easyocr_batches.boxes_in_frames)

    @functools.lru_cache(maxsize=4)  # noqa: B019 - an expert lives as long as the process
    def _reader_and_recogniser(self) -> tuple[Any, easyocr_reader.Recogniser]:
        """EasyOCR's reader without networks, and its recogniser for the languages."""
        reader = easyocr_reader.empty_reader(self.params.languages, self.source.options.cache / "easyocr")
        return reader, easyocr_reader.recogniser_of(reader)

    def embed(self, items: NDArray[np.uint8]) -> Embedded:
        """(R, D)."""
        import torch

        with warnings.catch_warnings(), torch.inference_mode():
            warnings.filterwarnings("ignore", ".*pin_memory.*")  # EasyOCR asks for pinned memory even without a GPU
            frames = easyocr_batches.lines_in_frames(self._reader, items, self.params.detector_px)
        return self.embed_frames([self._words(lines) for lines in frames])

    def _words(self, lines: list[easyocr_batches.Line]) -> list[Word]:
        """The words in the lines of one frame, from the top down."""
        # With stand-in weights the confidence is always low, and later stages need some words.
        min_confidence = 0.0 if self.source.seeded else self.params.min_confidence
        lines = [line for line in lines if line[2] >= min_confidence]
        lines.sort(key=lambda line: (min(corner[1] for corner in line[0]), min(corner[0] for corner in line[0])))
        return [word for corners, text, confidence in lines for word in split_line(text, confidence, corners)]
