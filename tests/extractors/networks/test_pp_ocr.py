from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from extractors.networks import pp_ocr
from extractors.networks.pp_ocr import DETECTORS, LINES, RECOGNISERS, Networks, Reader
from extractors.networks.pretrained import quiet
from pipeline.errors import WeightsError

LEVELS = {"a": 170, "b": 195, "c": 220, "d": 245}
"""Letter -> the grey of the bars that the planted recogniser reads as it."""


class FindsBars(torch.nn.Module):
    """Stands for a detector: whatever is not dark is text."""

    def forward(self, pixels):
        bright = pixels.mean(dim=1, keepdim=True) * 0.226 + 0.449  # what the processor did, undone
        return SimpleNamespace(last_hidden_state=(bright > 0.2).float())


class ReadsBars(torch.nn.Module):
    """Stands for a recogniser: each eighth of a line has the letter of its grey, or none where it is dark."""

    def __init__(self):
        super().__init__()
        self.widths = []

    def forward(self, pixels):
        self.widths.append(tuple(pixels.shape))
        grey = (pixels[:, :, 24].mean(dim=1) * 0.5 + 0.5) * 255
        grey = grey[:, grey.shape[1] // 16 :: grey.shape[1] // 8]
        levels = torch.tensor([100.0, *LEVELS.values()])  # the library's padding is of grey 127
        return SimpleNamespace(last_hidden_state=torch.softmax(-((grey[..., None] - levels) ** 2), dim=-1))


@pytest.fixture(scope="module")
def stand_ins():
    return pp_ocr.stand_ins()


@pytest.fixture
def planted(stand_ins):
    """A reader of bars, with the processors of the library."""
    reads = type(stand_ins[1].processor)(character_list=["blank", *LEVELS])
    return Reader(Networks(FindsBars(), stand_ins[0].processor), Networks(ReadsBars(), reads), "cpu", 960)


def bars(*places, size=(240, 320)):
    """A dark frame with bars (letter, left, top, width)."""
    frame = np.zeros((*size, 3), np.uint8)
    for letter, left, top, width in places:
        frame[top : top + 24, left : left + width] = LEVELS[letter]
    return frame


def test_lines_of_many_frames_are_told_from_the_top_down_each_with_its_own_text_and_box(planted):
    frames = np.stack(
        [bars(("b", 40, 150, 60), ("a", 100, 20, 120)), bars(), bars(("d", 10, 100, 290)), bars(("c", 64, 64, 50))]
    )
    lines = planted.read(frames)
    assert [["".join(sorted(set(line.text))) for line in one] for one in lines] == [["a", "b"], [], ["d"], ["c"]]
    assert all(line.confidence > 0.9 for one in lines for line in one)
    for (left, top, width), line in zip([(100, 20, 120), (40, 150, 60)], lines[0], strict=True):
        more = 1.5 * width * 24 / (2 * (width + 24))  # by which the library widens a box: its area by its circumference
        expected = [[left - more, top - more], [left + width + more, top + 24 + more]]
        np.testing.assert_allclose(line.corners[[0, 2]], expected, atol=2.5)


def test_lines_of_one_width_are_read_together_and_of_several_apart(planted):
    narrow = bars(*(("a", 20 + 100 * (number % 3), 10 + 60 * (number // 3), 60) for number in range(12)))
    wide = bars(("b", 20, 20, 1000), ("c", 20, 150, 1010), size=(240, 1280))
    planted.read(np.repeat(narrow[None], 6, axis=0))
    assert [shape[0] for shape in planted._recogniser.network.widths] == [LINES, 6 * 12 - LINES]
    planted._recogniser.network.widths.clear()
    planted.read(wide[None])
    ((lines, _, _, width),) = planted._recogniser.network.widths
    assert (lines, width % pp_ocr.PAD_PX) == (2, 0)


def by_library(networks, frame):
    """The lines of a frame alone by the library's own processors and forwards."""
    detector, recogniser = networks
    with torch.inference_mode():
        given = detector.processor(frame, limit_side_len=960, limit_type="max", return_tensors="pt")
        found = detector.processor.post_process_object_detection(
            detector.network(given["pixel_values"]), target_sizes=given["target_sizes"]
        )[0]
        texts = []
        for box in found["boxes"].numpy():
            line = pp_ocr.crop(frame, box.astype(np.float32))
            told = recogniser.network(recogniser.processor(line, return_tensors="pt")["pixel_values"])
            (one,) = recogniser.processor.post_process_text_recognition(told)
            texts.append((box.tolist(), one["text"], one["score"]))
    return sorted(texts, key=lambda one: (min(y for _, y in one[0]), min(x for x, _ in one[0]), one[1]))


def test_each_frame_has_the_lines_that_the_librarys_own_forward_finds_in_it_alone(stand_ins):
    frames = np.full((2, 48, 64, 3), 200, np.uint8)
    for frame, word in zip(frames, ("HELLO", "wide"), strict=True):
        cv2.putText(frame, word, (3, 32), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 2)
    lines = Reader(*stand_ins, "cpu", 960).read(frames)
    for frame, found in zip(frames, lines, strict=True):
        expected = by_library(stand_ins, frame)
        assert len(expected) > 3, "a detector that learned nothing finds something everywhere"
        told = sorted(
            ((line.corners.tolist(), line.text, line.confidence) for line in found),
            key=lambda one: (min(y for _, y in one[0]), min(x for x, _ in one[0]), one[1]),
        )
        assert [one[:2] for one in told] == [one[:2] for one in expected if one[1]]
        np.testing.assert_allclose([one[2] for one in told], [one[2] for one in expected if one[1]], atol=1e-5)


def test_a_wide_line_is_the_librarys_own_with_nothing_but_padding_behind_it(stand_ins):
    line = np.random.default_rng(0).integers(0, 256, (30, 400, 3)).astype(np.uint8)
    expected = stand_ins[1].processor(line, return_tensors="pt")["pixel_values"][0]
    found = Reader(*stand_ins, "cpu", 960).line_input(line)
    assert (expected.shape[-1], found.shape[-1]) == (640, 640)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    wider = Reader(*stand_ins, "cpu", 960).line_input(np.concatenate([line, line[:, :10]], axis=1))
    assert wider.shape[-1] == 800
    assert not wider[:, :, 656:].any()
    assert wider[:, :, 640:656].any()


def test_frames_have_the_same_lines_in_any_batch(stand_ins):
    frames = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3)).astype(np.uint8)
    reader = Reader(*stand_ins, "cpu", 64)
    together, alone = reader.read(frames), [reader.read(frame[None])[0] for frame in frames]
    assert sum(map(len, together)) > 3
    for one, other in zip(together, alone, strict=True):
        assert [(line.text, line.corners.tolist()) for line in one] == [
            (line.text, line.corners.tolist()) for line in other
        ]


def test_a_slanted_line_is_made_straight_and_one_that_runs_down_is_turned():
    page = np.zeros((200, 200, 3), np.uint8)
    cv2.fillPoly(page, [np.array([[50, 40], [150, 90], [141, 108], [41, 58]])], (255, 0, 0))
    line = pp_ocr.crop(page, np.array([[50, 40], [150, 90], [141, 108], [41, 58]], np.float32))
    assert line.shape == (20, 112, 3)
    assert (line[2:-2, 2:-2] == (255, 0, 0)).all()
    page[:, 100:110] = (0, 255, 0)
    page[:20, 100:110] = (0, 0, 255)
    down = pp_ocr.crop(page, np.array([[100, 0], [110, 0], [110, 200], [100, 200]], np.float32))
    assert down.shape == (10, 200, 3)
    assert down[5, 5].tolist() == [0, 0, 255], "it begins with its top"


def test_a_checkpoint_that_does_not_fit_is_refused_by_name(stand_ins, tmp_path):
    with quiet():
        for networks, name in zip(stand_ins, ("det", "rec"), strict=True):
            networks.network.save_pretrained(tmp_path / name)
            networks.processor.save_pretrained(tmp_path / name)
    assert pp_ocr.load(tmp_path / "det", DETECTORS, "it").network.config.model_type == "pp_ocrv5_mobile_det"
    with pytest.raises(WeightsError, match=r"^it: a pp_ocrv5_server_rec model, where|^it: no network of this kind"):
        pp_ocr.load(tmp_path / "rec", DETECTORS, "it")
    short = type(stand_ins[1].processor)(character_list=["blank", "a"])
    short.save_pretrained(tmp_path / "rec")
    with pytest.raises(WeightsError, match=r"^it: its processor lists 2 characters, its network tells 28 apart"):
        pp_ocr.load(tmp_path / "rec", RECOGNISERS, "it")
