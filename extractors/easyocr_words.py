"""What is written in the picture: EasyOCR finds and reads words, and each becomes a vector.

Its detector is CRAFT (Baek et al. 2019), its recogniser a CRNN (Shi et al. 2017); both run on the device. W words.
"""

import functools
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded
from extractors.networks.base import NetworkExtractor, Tensors, place
from extractors.word_experts.ocr_expert import ReadingExpert, Word, split_line
from extractors.word_vectors import EncoderParams
from pipeline import config
from pipeline.weights.catalog import easyocr_file
from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Params:
    """Settings of the OCR expert."""

    __pydantic_config__ = config.STRICT
    languages: tuple[str, ...] = ("en",)
    """Codes as EasyOCR has them; those of one script at a time."""
    fps: float = 0.5
    """Frames read per second; reading is slow, and signs stay for a while."""
    short_px: int | None = 480
    """Short side of the frames; letters need some 10 px of height to be read. null: native."""
    detector_px: int = 1280
    """Longest side that the detector sees; its time grows with the square."""
    min_confidence: float = 0.4
    """Words that the recogniser is less sure of (0..1) are dropped."""
    words: EncoderParams = field(default_factory=EncoderParams)
    """How words become vectors."""

    def __post_init__(self) -> None:
        if not self.languages or self.fps <= 0:
            raise ValueError("languages must name at least one, and fps must be above 0")
        if min(self.short_px or 32, self.detector_px) < 32:
            raise ValueError("short_px and detector_px must be at least 32, the detector's grid")
        if not 0 <= self.min_confidence <= 1:
            raise ValueError("min_confidence must be in 0..1")


class Expert(ReadingExpert, NetworkExtractor):
    """A vector for each word in the picture, with extras `text`, `confidence` and `box_px`."""

    version = 1
    params: Params

    @property
    def released(self) -> dict[str, str]:
        """Detector and recogniser."""
        read = f"easyocr {','.join(sorted(self.params.languages))}"
        return {"detector": "easyocr craft", "recogniser": read}

    def known(self, part: str) -> WeightFile:
        """As EasyOCR knows them."""
        if part == "detector":
            from easyocr.config import detection_models

            return easyocr_file(detection_models["craft"])
        return easyocr_file(self._recogniser()[1])

    def build(self) -> "torch.nn.Module":
        """The detector."""
        with warnings.catch_warnings():
            # Its VGG is made in torchvision's old way.
            warnings.filterwarnings("ignore", "The parameter 'pretrained'|Arguments other than a weight enum")
            from easyocr.craft import CRAFT

            return self.filled("detector", CRAFT(pretrained=False), _without_module)

    def load(self, device: str) -> None:
        """Put both networks on the device, and get the word vectors ready."""
        from easyocr.detection import get_textbox
        from easyocr.recognition import CTCLabelConverter

        super().load(device)
        reader, settings, make, size = self._recogniser()
        reader.converter = CTCLabelConverter(settings["characters"], {}, {})
        network = make(
            input_channel=1, output_channel=size, hidden_size=size, num_class=len(reader.converter.character)
        )
        reader.recognizer = place(self.filled("recogniser", network, _without_module), device)
        reader.detector, reader.get_textbox, reader.device = self.network, get_textbox, device
        self._reader: Any = reader

    @functools.lru_cache(maxsize=4)  # noqa: B019 - an expert lives as long as the process
    def _recogniser(self) -> tuple[Any, dict[str, Any], Any, int]:
        """EasyOCR's reader without networks, its settings of the recogniser, and that network's class and width."""
        import easyocr
        from easyocr.config import recognition_models
        from easyocr.model import model, vgg_model

        folder = str(self.source.options.cache / "easyocr")
        reader = easyocr.Reader(
            list(self.params.languages),
            gpu=False,
            model_storage_directory=folder,
            user_network_directory=folder,
            download_enabled=False,
            detector=False,
            recognizer=False,
            verbose=False,
        )
        for generation, make, size in (("gen1", model.Model, 512), ("gen2", vgg_model.Model, 256)):
            for settings in recognition_models[generation].values():
                if settings["characters"] == reader.character:
                    return reader, settings, make, size
        raise AssertionError(f"EasyOCR has no recogniser for {self.params.languages}")

    def embed(self, items: NDArray[np.uint8]) -> Embedded:
        """(R, D)."""
        import torch

        with warnings.catch_warnings(), torch.inference_mode():
            warnings.filterwarnings("ignore", ".*pin_memory.*")  # EasyOCR pins memory, also without a GPU
            across, free = self._reader.detect(items, canvas_size=self.params.detector_px, reformat=False)
            found = [self._read(*frame) for frame in zip(items, across, free, strict=True)]
        return self.embed_read(found)

    def _read(self, frame: NDArray[np.uint8], across: list[Any], free: list[Any]) -> list[Word]:
        """The words of one frame (H, W, 3) RGB, from the top down."""
        import cv2

        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        lines = self._reader.recognize(grey, across, free, batch_size=16, reformat=False)
        # Stand-ins are never sure of anything, and what comes after needs words to work on.
        least = 0.0 if self.source.seeded else self.params.min_confidence
        lines = [line for line in lines if line[2] >= least]
        lines.sort(key=lambda line: (min(corner[1] for corner in line[0]), min(corner[0] for corner in line[0])))
        return [word for corners, text, confidence in lines for word in split_line(text, float(confidence), corners)]


def _without_module(tensors: Tensors) -> Tensors:
    """The files were saved from several GPUs."""
    return {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
