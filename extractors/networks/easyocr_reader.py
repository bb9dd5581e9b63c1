"""EasyOCR's reader around networks that are built here, so that weights are found, checked and stood in for as usual.

EasyOCR is public through `easyocr.Reader` alone, which downloads and unpickles its weights itself. What is used of the
rest (its tables of networks, their classes, a reader's attributes) is in this module, one function for each.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.weights.catalog import easyocr_file
from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch

LINES = 16
"""Lines that are read at once, at most."""
Corners = Any
"""Of a line in a frame: [[x, y]] * 4, clockwise from the top left."""
Crop = tuple[Any, NDArray[np.uint8]]
"""Which line it is, and its picture, scaled to the height of the recogniser."""
BoxesOf = Callable[..., list[list[NDArray[np.int32]]]]
"""What `detect` calls as (detector, frames, **settings): for each frame the corners (8,) of its words."""


@dataclass(frozen=True)
class Recogniser:
    """EasyOCR's recognition network for some languages, by its own tables."""

    file: WeightFile
    characters: str
    """The output classes after the blank of CTC."""
    network_class: Any
    width: int
    """Number of channels, and hidden size."""


def detector_file() -> WeightFile:
    """The published file of the detector, CRAFT."""
    from easyocr.config import detection_models

    return easyocr_file(detection_models["craft"])


def build_detector() -> "torch.nn.Module":
    """CRAFT with random weights."""
    with warnings.catch_warnings():
        # CRAFT builds its VGG by arguments that torchvision has deprecated.
        warnings.filterwarnings("ignore", "The parameter 'pretrained'|Arguments other than a weight enum")
        from easyocr.craft import CRAFT

        network: torch.nn.Module = CRAFT(pretrained=False)
    return network


def empty_reader(languages: tuple[str, ...], folder: Path) -> Any:
    """An `easyocr.Reader` without networks, which downloads nothing; it creates `folder`."""
    import easyocr

    return easyocr.Reader(
        list(languages),
        gpu=False,
        model_storage_directory=str(folder),
        user_network_directory=str(folder),
        download_enabled=False,
        detector=False,
        recognizer=False,
        verbose=False,
    )


def recogniser_of(reader: Any) -> Recogniser:
    """The recogniser that EasyOCR has for the characters of the reader's languages."""
    from easyocr.config import recognition_models
    from easyocr.model import model, vgg_model

    for generation, network_class, width in (("gen1", model.Model, 512), ("gen2", vgg_model.Model, 256)):
        for entry in recognition_models[generation].values():
            if entry["characters"] == reader.character:
                return Recogniser(easyocr_file(entry), entry["characters"], network_class, width)
    raise AssertionError(f"EasyOCR has no recogniser for the characters {reader.character!r}")


def build_recogniser(recogniser: Recogniser) -> "torch.nn.Module":
    """The recogniser with random weights, a CRNN."""
    network: torch.nn.Module = recogniser.network_class(
        input_channel=1,
        output_channel=recogniser.width,
        hidden_size=recogniser.width,
        num_class=len(recogniser.characters) + 1,
    )
    return network


def insert_networks(
    reader: Any, detector: "torch.nn.Module", recogniser: "torch.nn.Module", characters: str, device: str
) -> None:
    """Give an empty reader its networks, and what its `detect` and `recognize` use with them."""
    from easyocr.detection import get_textbox
    from easyocr.recognition import CTCLabelConverter

    reader.detector, reader.get_textbox = detector, get_textbox
    reader.recognizer, reader.converter = recogniser, CTCLabelConverter(characters, {}, {})
    reader.device = device


def look_with(reader: Any, boxes_of: BoxesOf) -> None:
    """Have `detect` call this around the detector, in place of EasyOCR's own function."""
    reader.get_textbox = boxes_of


def boxes_in_map(score_map: NDArray[np.float32], ratio: float, thresholds: dict[str, float]) -> list[NDArray[np.int32]]:
    """The corners (8,) of the words in a frame by what the detector says of it (H / 2, W / 2, 2): text and links.

    `ratio`: of the frame's size to that of the detector's input.
    """
    from easyocr.craft_utils import adjustResultCoordinates, getDetBoxes

    boxes, _, _ = getDetBoxes(score_map[..., 0], score_map[..., 1], **thresholds)
    return [box.astype(np.int32).reshape(-1) for box in adjustResultCoordinates(boxes, ratio, ratio)]


def crops_of(grey: NDArray[np.uint8], horizontal: list[Any], free: list[Any]) -> tuple[list[Crop], int]:
    """(corners, picture) of the lines of a frame (H, W), and the width in px to which EasyOCR pads all of them."""
    from easyocr.config import imgH
    from easyocr.utils import get_image_list

    crops, width = get_image_list(horizontal, free, grey, model_height=imgH)
    return crops, int(width)


def read_crops(reader: Any, crops: Sequence[Crop], width: int) -> list[tuple[Any, str, float]]:
    """(which line, text, confidence) of each line, as EasyOCR reads those of one frame, padded to `width` px."""
    from easyocr.config import imgH
    from easyocr.easyocr import get_display
    from easyocr.recognition import get_text

    unknown = "".join(set(reader.character) - set(reader.lang_char))
    networks = reader.recognizer, reader.converter
    lines = get_text(
        reader.character, imgH, width, *networks, crops, unknown, batch_size=LINES, workers=0, device=reader.device
    )
    if reader.model_lang == "arabic":
        lines = [(which, get_display(text), confidence) for which, text, confidence in lines]
    return [(which, str(text), float(confidence)) for which, text, confidence in lines]
