"""EasyOCR's reader around networks that are built here, so that weights are found, checked and stood in for as usual.

EasyOCR is public through `easyocr.Reader` alone, which downloads and unpickles its weights itself. What is used of the
rest (its tables of networks, their classes, a reader's attributes) is in this module, one function for each.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.weights.catalog import easyocr_file
from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch


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
