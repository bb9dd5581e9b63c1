import numpy as np
import pytest
import torch

from extractors.networks import easyocr_reader
from tests.extractors.private_api import assert_there

USED = "extractors/networks/easyocr_reader.py builds EasyOCR's reader with it"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("easyocr.config", "detection_models"),
        ("easyocr.config", "imgH"),
        ("easyocr.config", "recognition_models"),
        ("easyocr.craft", "CRAFT"),
        ("easyocr.craft_utils", "adjustResultCoordinates"),
        ("easyocr.craft_utils", "getDetBoxes"),
        ("easyocr.detection", "get_textbox"),
        ("easyocr.easyocr", "get_display"),
        ("easyocr.recognition", "CTCLabelConverter"),
        ("easyocr.recognition", "get_text"),
        ("easyocr.utils", "get_image_list"),
        ("easyocr.model.model", "Model"),
        ("easyocr.model.vgg_model", "Model"),
    ],
)
def test_what_is_used_of_easyocr_beyond_its_reader_is_there(module, name):
    assert_there(module, name, USED)


def test_a_reader_without_networks_knows_the_characters_of_its_languages(tmp_path):
    reader = easyocr_reader.empty_reader(("en",), tmp_path / "easyocr")
    for name in ("character", "lang_char", "model_lang", "detect"):
        assert_there(reader, name, USED)
    recogniser = easyocr_reader.recogniser_of(reader)
    assert recogniser.characters == reader.character
    assert {"a", "Z", "0"} <= set(recogniser.characters)
    assert recogniser.file.cached_as == "easyocr/english_g2.pth"
    assert not list((tmp_path / "easyocr").iterdir()), "nothing is downloaded"


@pytest.mark.parametrize(
    ("language", "file", "width"),
    [
        ("en", "english_g2.pth", 256),
        ("ja", "japanese_g2.pth", 256),
        ("ar", "arabic.pth", 512),
        ("ru", "cyrillic_g2.pth", 256),
    ],
)
def test_the_recogniser_is_that_of_the_script_in_either_generation(tmp_path, language, file, width):
    recogniser = easyocr_reader.recogniser_of(easyocr_reader.empty_reader((language,), tmp_path))
    assert (recogniser.file.cached_as, recogniser.width) == (f"easyocr/{file}", width)


def test_a_language_without_a_recogniser_is_our_own_mistake():
    class Reader:
        character = "?"

    with pytest.raises(AssertionError, match="no recogniser for the characters"):
        easyocr_reader.recogniser_of(Reader())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*pin_memory.*")
def test_a_reader_with_networks_finds_and_reads_with_them(tmp_path):
    """Each network is seen to be called, with an output for each character and the blank of CTC."""
    torch.set_num_threads(1)
    reader = easyocr_reader.empty_reader(("en",), tmp_path)
    recogniser = easyocr_reader.recogniser_of(reader)
    detector, network = easyocr_reader.build_detector().eval(), easyocr_reader.build_recogniser(recogniser).eval()
    shapes = {}
    detector.register_forward_hook(lambda module, given, made: shapes.update(detector=tuple(given[0].shape)))
    network.register_forward_hook(lambda module, given, made: shapes.update(network=tuple(made.shape)))
    easyocr_reader.insert_networks(reader, detector, network, recogniser.characters, "cpu")
    grey = np.full((32, 64), 200, np.uint8)
    with torch.inference_mode():
        reader.detect(np.repeat(grey[..., None], 3, axis=2), canvas_size=64, reformat=False)
        (line,) = reader.recognize(grey, [[0, 64, 0, 32]], [], reformat=False)
    assert len(line) == 3, "corners, text, confidence"
    assert shapes["detector"][1] == 3
    assert shapes["network"][-1] == len(recogniser.characters) + 1
