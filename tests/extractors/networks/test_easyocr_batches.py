import cv2
import numpy as np
import pytest
import torch

from extractors.networks import easyocr_batches, easyocr_reader

pytestmark = pytest.mark.filterwarnings("ignore:.*pin_memory.*", "ignore:'mode' parameter is deprecated")

OTHER_DEVICE = "cpu:0"
"""Not "cpu", by which EasyOCR knows that there is no GPU."""


class SeesBright(torch.nn.Module):
    """A detector for which all that is bright is text, one word as far as it is not interrupted."""

    def forward(self, batch):
        bright = (batch.mean(1, keepdim=True) > 1.9).float()
        blob = torch.nn.functional.max_pool2d(bright, (5, 13), 1, (2, 6))
        text = torch.nn.functional.avg_pool2d(blob, 2)[:, 0]
        return torch.stack([0.9 * text, 0.1 * text], -1), None


class TellsByColumn(torch.nn.Module):
    """A recogniser whose classes are drawn by lot for each pattern of a column, seen against the whole line."""

    def __init__(self, num_classes):
        super().__init__()
        self.table = torch.randn(64, num_classes, generator=torch.Generator().manual_seed(0)) * 6
        self.shapes = []

    def forward(self, lines, text):
        self.shapes.append(tuple(lines.shape))
        columns = torch.nn.functional.avg_pool2d(lines, (1, 8))[:, 0].transpose(1, 2)
        return (columns - columns.mean(1, keepdim=True)) @ self.table


def a_reader(folder, languages=("en",), device="cpu"):
    """EasyOCR's own, with those networks."""
    reader = easyocr_reader.empty_reader(languages, folder)
    recogniser = TellsByColumn(len(reader.character) + 1)
    easyocr_reader.insert_networks(reader, SeesBright(), recogniser, reader.character, device)
    return reader


def with_batches(reader):
    easyocr_reader.look_with(reader, easyocr_batches.boxes_in_frames)
    return reader


def written(*words, slanted="", size=(236, 330)):
    """A frame (H, W, 3) of a dull pattern with white words on it, one below another, the last one slanted."""
    height, width = size
    frame = (np.add.outer(np.arange(height), np.arange(width))[..., None] % 90 + [40, 60, 80]).astype(np.uint8)
    for number, word in enumerate(words):
        cv2.putText(frame, word, (20 + 9 * number, 40 + 45 * number), cv2.FONT_HERSHEY_SIMPLEX, 1, (255,) * 3, 3)
    if slanted:
        mask = np.zeros(size, np.uint8)
        cv2.putText(mask, slanted, (60, 160), cv2.FONT_HERSHEY_SIMPLEX, 1, 255, 3)
        mask = cv2.warpAffine(mask, cv2.getRotationMatrix2D((150, 150), -35, 1), (width, height))
        frame[mask > 128] = 255
    return frame


@pytest.fixture(scope="module")
def frames():
    """(10, H, W, 3): more than the detector has at a time, some of them without a word."""
    texts = [
        ("Hello", "of all lines"),
        (),
        ("a wide line here",),
        ("Hello",),
        (),
        ("one", "two", "three"),
        ("wide words",),
    ]
    return np.stack(
        [*(written(*words) for words in texts), written("up", slanted="a slope down"), written(), written("end")]
    )


@pytest.mark.parametrize("canvas_px", [1280, 250])
def test_boxes_are_those_that_easyocr_finds_frame_by_frame(tmp_path, frames, canvas_px):
    horizontal, free = a_reader(tmp_path).detect(frames, canvas_size=canvas_px, reformat=False)
    found = with_batches(a_reader(tmp_path)).detect(frames, canvas_size=canvas_px, reformat=False)
    assert found == (horizontal, free)
    assert [len(boxes) for boxes in horizontal][:6] == [2, 0, 1, 1, 0, 3]
    assert free[7], "the slanted word"


@pytest.mark.parametrize(
    ("size", "canvas_px", "magnify"), [((64, 96), 1280, 1.0), ((70, 90), 64, 1.0), ((50, 99), 180, 1.5)]
)
def test_the_detector_is_given_what_easyocr_gives_it_to_the_bit(size, canvas_px, magnify):
    from easyocr.imgproc import normalizeMeanVariance, resize_aspect_ratio

    pixels = np.random.default_rng(0).integers(0, 256, (3, *size, 3)).astype(np.uint8)
    told = [resize_aspect_ratio(frame, canvas_px, cv2.INTER_LINEAR, magnify) for frame in pixels]
    resized, ratio = easyocr_batches.resize_to_canvas(pixels, canvas_px, magnify)
    assert ratio == told[0][1]
    expected = np.stack([normalizeMeanVariance(frame) for frame, _, _ in told]).transpose(0, 3, 1, 2)
    assert np.array_equal(easyocr_batches.detector_input(resized, "cpu").numpy(), expected)


@pytest.mark.parametrize("device", ["cpu", OTHER_DEVICE])
@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_lines_are_those_that_easyocr_reads_frame_by_frame(tmp_path, frames, language, device):
    reader = with_batches(a_reader(tmp_path, (language,), device))
    horizontal, free = reader.detect(frames, reformat=False) if device == "cpu" else boxes_on_cpu(tmp_path, frames)
    lines = easyocr_batches.read_boxes(reader, frames, horizontal, free)
    sure = []
    for frame, *boxes, found in zip(frames, horizontal, free, lines, strict=True):
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        expected = reader.recognize(grey, *boxes, batch_size=16, reformat=False)
        assert [text for _, text, _ in found] == [text for _, text, _ in expected]
        for (corners, _, confidence), (expected_corners, _, expected_confidence) in zip(found, expected, strict=True):
            assert np.array_equal(corners, expected_corners)
            assert confidence == pytest.approx(expected_confidence, abs=0 if device == "cpu" else 1e-5)
            sure.append(confidence)
    assert min(sure) < 0.1 < max(sure), "some are read again with more contrast, some not"


def boxes_on_cpu(folder, frames):
    return a_reader(folder).detect(frames, reformat=False)


def test_on_a_gpu_the_lines_of_a_frame_are_read_at_once_and_do_not_depend_on_the_frames_beside_it(tmp_path, frames):
    boxes = boxes_on_cpu(tmp_path, frames)
    reader = a_reader(tmp_path, device=OTHER_DEVICE)
    together = easyocr_batches.read_boxes(reader, frames, *boxes)
    assert max(map(len, together)) > 2
    assert len(reader.recognizer.shapes) <= 2 * len(frames), "once, and once more with more contrast"
    for number, (frame, *of_frame) in enumerate(zip(frames, *boxes, strict=True)):
        (alone,) = easyocr_batches.read_boxes(reader, frame[None], *([one] for one in of_frame))
        assert [line[1:] for line in alone] == [line[1:] for line in together[number]]


def test_frames_without_text_cost_no_look_and_no_reading(tmp_path, frames, monkeypatch):
    looked, original = [], easyocr_reader.boxes_in_map
    monkeypatch.setattr(
        easyocr_reader, "boxes_in_map", lambda *given, **settings: looked.append(1) or original(*given, **settings)
    )
    reader = with_batches(a_reader(tmp_path))
    assert easyocr_batches.lines_in_frames(reader, frames[[1, 4]], 1280) == [[], []]
    assert not looked
    assert not reader.recognizer.shapes
    has_lines = [bool(lines) for lines in easyocr_batches.lines_in_frames(reader, frames, 1280)]
    assert has_lines == [True, False, True, True, False, True, True, True, False, True]
    assert len(looked) == sum(has_lines)


def test_a_gpu_is_given_all_frames_before_the_first_maps_are_waited_for(tmp_path, frames, monkeypatch):
    """They are still empty then: what stands in for the GPU fills them when it is waited for."""
    happened, reader = [], a_reader(tmp_path)
    expected = reader.detect(frames, reformat=False)
    made = []

    def late(batch):
        maps, _ = SeesBright()(batch)
        made.append((maps, maps.clone()))
        happened.append(len(batch))
        return maps, None

    class Event:
        def __init__(self):
            self.maps, self.values = made[-1]
            self.maps.zero_()

        def synchronize(self):
            happened.append("waited")
            self.maps.copy_(self.values)

    class Stream:
        record_event = Event

    reader.detector, reader.device = late, OTHER_DEVICE
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream())
    monkeypatch.setattr(easyocr_batches, "array_to_device", lambda items, device: torch.from_numpy(items))
    assert with_batches(reader).detect(frames, reformat=False) == expected
    assert happened == [5, 5, "waited", "waited"], "in equal parts"


@pytest.mark.parametrize(
    ("number", "device", "expected"), [(32, "cuda:1", 16), (24, "cuda:0", 12), (3, "cuda:0", 3), (10, "cpu", 8)]
)
def test_a_gpu_has_twice_as_many_frames_at_a_time_in_equal_parts(number, device, expected):
    assert easyocr_batches.frames_at_once(number, device) == expected
