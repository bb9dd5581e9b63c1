import cv2
import numpy as np
import pytest
from rapidocr.ch_ppocr_det.utils import DetPreProcess

from extractors.networks import rapid_ocr


@pytest.mark.parametrize("shape", [(240, 320, 3), (33, 500, 3), (700, 90, 3), (64, 64, 3)])
@pytest.mark.parametrize("mean", [[0.5, 0.5, 0.5], [0.485, 0.456, 0.406]])
def test_the_input_of_the_detector_is_that_of_rapidocr_to_the_bit(shape, mean):
    original = DetPreProcess(448, "max", mean, [0.5, 0.25, 0.2])
    frame = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    found = rapid_ocr.DetectorInput(original)(frame)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous, "else it is copied once more"
    np.testing.assert_array_equal(found, original(frame))


def test_what_is_too_small_has_no_input():
    original = DetPreProcess(448, "max", [0.5] * 3, [0.5] * 3)
    frame = np.zeros((8, 300, 3), np.uint8)
    assert original(frame) is None
    assert rapid_ocr.DetectorInput(original)(frame) is None


def test_what_it_reads_is_what_rapidocr_reads():
    from rapidocr import RapidOCR

    plain = RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.use_cls": False,
            "Global.text_score": 0.9,
            "Det.limit_type": "max",
            "Det.limit_side_len": 448,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        }
    )
    frame = np.random.default_rng(0).integers(100, 130, (240, 320, 3), np.uint8)
    frame[20:70, 20:250] = frame[180:230, 60:260] = 240
    for text, place in (("HARBOR", (40, 55)), ("Room 24", (80, 215))):
        cv2.putText(frame, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.9, (20, 20, 60), 2, cv2.LINE_AA)
    ours, theirs = rapid_ocr.reader(448, 0.9)(frame), plain(frame)
    assert ours.txts == theirs.txts == ("HARBOR", "Room 24")
    assert ours.scores == theirs.scores
    np.testing.assert_array_equal(ours.boxes, theirs.boxes)
