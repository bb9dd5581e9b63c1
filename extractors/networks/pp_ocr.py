"""PP-OCR through transformers: finds the lines in a batch of frames, and reads all of them in batches, on one device.

B frames of H by W, L lines. What a line says never depends on the lines beside it: the library stretches all lines of
one call to the widest of them, so each is resized alone, and only lines of one padded width share a batch.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from extractors.networks.placing import to_device
from extractors.networks.pretrained import network_in, processor_in, quiet
from pipeline.errors import WeightsError
from pipeline.weights import seeded

if TYPE_CHECKING:
    import torch

FILES = {"": "model.safetensors", "_config": "config.json", "_processor": "preprocessor_config.json"}
"""Ending of the name of a part -> its file in the repository of a detector or a recogniser."""
DETECTORS = ("pp_ocrv5_server_det", "pp_ocrv5_mobile_det", "pp_ocrv6_medium_det", "pp_ocrv6_small_det")
RECOGNISERS = ("pp_ocrv5_server_rec", "pp_ocrv5_mobile_rec", "pp_ocrv6_small_rec", "pp_ocrv6_tiny_rec")
LINES = 64
"""Lines that are read at once."""
PAD_PX = 160
"""Lines that are wider than the recogniser's 320 px are padded to a multiple of this, so that they share batches."""
UPRIGHT = 1.5
"""What is so many times higher than wide is a line that runs downwards: it is turned, as PaddleOCR does."""


class Line(NamedTuple):
    """A line of text in a frame."""

    text: str
    confidence: float
    """Mean probability of its characters."""
    corners: NDArray[np.float32]
    """(4, 2) px, clockwise from the top left."""


class Networks(NamedTuple):
    """A network, and what turns pictures into its input and its output into boxes or text."""

    network: Any
    processor: Any


def load(folder: Path, kinds: Sequence[str], called: object) -> Networks:
    """A detector or a recogniser from a folder with its files; WeightsError if it is of none of the kinds."""
    from transformers import AutoImageProcessor, AutoModelForObjectDetection, AutoModelForTextRecognition

    auto = AutoModelForObjectDetection if kinds is DETECTORS else AutoModelForTextRecognition
    found = Networks(network_in(folder, auto, called, kinds), processor_in(folder, AutoImageProcessor, called))
    if kinds is RECOGNISERS:
        letters, classes = len(found.processor.character_list), int(found.network.config.head_out_channels)
        if letters != classes:
            raise WeightsError(f"{called}: its processor lists {letters} characters, its network tells {classes} apart")
    return found


class Reader:
    """A detector and a recogniser on a device."""

    def __init__(self, detector: Networks, recogniser: Networks, device: str, detector_px: int) -> None:
        self._detector = Networks(to_device(detector.network, device), detector.processor)
        self._recogniser = Networks(to_device(recogniser.network, device), recogniser.processor)
        self._device, self._detector_px = device, detector_px
        self.thresholds: dict[str, float] = {}
        """Of the detector, in place of the library's; see `post_process_object_detection`."""

    def read(self, frames: NDArray[np.uint8]) -> list[list[Line]]:
        """The lines in each of the frames (B, H, W, 3) RGB, from the top down; those without a letter are left out."""
        boxes = self._boxes(frames)
        crops = [crop(frame, corners) for frame, found in zip(frames, boxes, strict=True) for corners in found]
        told = iter(self._texts(crops))
        lines = [[Line(*next(told), corners) for corners in found] for found in boxes]
        return [[line for line in found if line.text.strip()] for found in lines]

    def _boxes(self, frames: NDArray[np.uint8]) -> list[list[NDArray[np.float32]]]:
        """The corners (4, 2) px of the lines in each frame, sorted by their top and left."""
        import torch

        pictures = list(torch.from_numpy(frames).movedim(-1, 1).to(self._device))
        process = self._detector.processor
        with torch.inference_mode():
            given = process(pictures, limit_side_len=self._detector_px, limit_type="max", return_tensors="pt")
            found = self._detector.network(given["pixel_values"]).last_hidden_state.float()
            told = process.post_process_object_detection(
                SimpleNamespace(last_hidden_state=found.cpu()), target_sizes=given["target_sizes"], **self.thresholds
            )
        corners = [list(one["boxes"].numpy().astype(np.float32).reshape(-1, 4, 2)) for one in told]
        return [sorted(one, key=lambda box: (box[:, 1].min(), box[:, 0].min())) for one in corners]

    def _texts(self, crops: Sequence[NDArray[np.uint8]]) -> list[tuple[str, float]]:
        """What each line says, and how sure the recogniser is."""
        import torch

        texts = [("", 0.0)] * len(crops)
        inputs = [self.line_input(one) for one in crops]
        order = sorted(range(len(crops)), key=lambda number: inputs[number].shape[-1])
        for _, same in itertools.groupby(order, lambda number: inputs[number].shape[-1]):
            numbers = list(same)
            for part in (numbers[start : start + LINES] for start in range(0, len(numbers), LINES)):
                with torch.inference_mode():
                    batch = torch.stack([inputs[number] for number in part])
                    found = self._recogniser.network(batch).last_hidden_state.float()
                    # A line in which only blanks were seen has no characters, whose mean is not a number.
                    told = self._recogniser.processor.post_process_text_recognition(
                        SimpleNamespace(last_hidden_state=found.cpu())
                    )
                for number, line in zip(part, told, strict=True):
                    texts[number] = (line["text"], line["score"] if line["text"] else 0.0)
        return texts

    def line_input(self, picture: NDArray[np.uint8]) -> "torch.Tensor":
        """(3, 48, W) of the picture (H, W, 3) of a line, as the library makes it of a line alone, padded at its end."""
        import torch

        process = self._recogniser.processor
        tensor = torch.from_numpy(picture).movedim(-1, 0).to(self._device)
        least = {"height": int(process.pad_size["height"]), "width": int(process.pad_size["width"])}
        width = int(process.get_target_size([tensor.shape[-2:]]).width)
        if width > least["width"]:
            least["width"] = -(-width // PAD_PX) * PAD_PX
        given: torch.Tensor = process([tensor], pad_size=least, return_tensors="pt")["pixel_values"][0]
        return given


def crop(frame: NDArray[np.uint8], corners: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture of a line whose corners (4, 2) px are listed clockwise from the top left, made straight."""
    import cv2

    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    width, height = (max(1, round(float(max(sides[one], sides[one + 2])))) for one in (0, 1))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(np.asarray(corners, np.float32), target)
    line = cv2.warpPerspective(frame, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(np.rot90(line) if height >= UPRIGHT * width else line, np.uint8)


STAND_IN_LETTERS = ("blank", *"abcdefghijklmnopqrstuvwxyz", " ")


def small_recogniser() -> dict[str, Any]:
    """Settings of a small PP-OCRv5 recogniser (server)."""
    backbone: dict[str, Any] = {"model_type": "hgnet_v2", "stem_channels": [3, 8, 8], "stem_strides": [2, 1, 1, 1, 1]}
    backbone |= {name: [8] * 4 for name in ("hidden_sizes", "stage_in_channels", "stage_mid_channels")}
    backbone |= {"stage_out_channels": [8] * 4, "stage_num_blocks": [1] * 4, "stage_numb_of_layers": [1] * 4}
    backbone |= {
        "depths": [1] * 4,
        "stage_downsample": [True] * 4,
        "out_features": [f"stage{one}" for one in range(1, 5)],
    }
    backbone["stage_downsample_strides"] = [[2, 1], [1, 2], [2, 1], [2, 1]]
    head = {"hidden_size": 16, "depth": 1, "num_attention_heads": 2, "head_out_channels": len(STAND_IN_LETTERS)}
    return head | {"backbone_config": backbone}


def stand_ins() -> tuple[Networks, Networks]:
    """A detector and a small recogniser on stand-ins."""
    from transformers import (
        AutoModelForObjectDetection,
        AutoModelForTextRecognition,
        PPOCRV5MobileDetConfig,
        PPOCRV5ServerDetImageProcessor,
        PPOCRV5ServerRecConfig,
        PPOCRV5ServerRecImageProcessor,
    )

    finds: Any = PPOCRV5ServerDetImageProcessor
    reads: Any = PPOCRV5ServerRecImageProcessor
    settings = PPOCRV5MobileDetConfig(), PPOCRV5ServerRecConfig(**small_recogniser())
    with quiet():
        detector = AutoModelForObjectDetection.from_config(settings[0])  # type: ignore[no-untyped-call]
        recogniser = AutoModelForTextRecognition.from_config(settings[1])  # type: ignore[no-untyped-call]
    made = (seeded.fill(network.float()).eval().requires_grad_(False) for network in (detector, recogniser))
    return Networks(next(made), finds()), Networks(next(made), reads(character_list=list(STAND_IN_LETTERS)))
