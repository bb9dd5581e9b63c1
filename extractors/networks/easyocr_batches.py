"""The lines of text in a batch of frames, read with the networks of an EasyOCR reader.

EasyOCR prepares the frames one by one, looks for words in the map of each, also where there are none, and reads frame
by frame. Here the device prepares the whole batch and says which maps have text, and threads look for words in these
alone. B frames of H by W.
"""

import functools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from extractors.networks import easyocr_reader
from extractors.networks.placing import array_to_device, equal_share

if TYPE_CHECKING:
    import torch

DETECTOR_FRAMES = {"cpu": 8, "cuda": 16}
"""At a time, by kind of device. On a CPU eight take 4 GB. On a GPU the words of some are looked for while it has the
next ones; for eight of 640 x 480 cuDNN takes Fourier transforms, and for 32 of them twice the time (H200, float32)."""
THREADS = 4
"""They wait for one another where Python itself has to run, so more help little."""
GRID_PX = 32
"""Both sides of the detector's input are multiples of it."""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Line = tuple[easyocr_reader.Corners, str, float]
"""Its corners, text and confidence."""
Maps = Callable[[], list[NDArray[np.float32] | None]]
"""Waits for what the detector says of each of some frames (H / 2, W / 2, 2); None where it has seen no text."""


def lines_in_frames(reader: Any, frames: NDArray[np.uint8], detector_px: int) -> list[list[Line]]:
    """The lines in each of the frames (B, H, W, 3) RGB, by a reader whose `get_textbox` is `boxes_in_frames`."""
    horizontal, free = reader.detect(frames, canvas_size=detector_px, reformat=False)
    return read_boxes(reader, frames, horizontal, free)


def boxes_in_frames(detector: Any, frames: NDArray[np.uint8], **settings: Any) -> list[list[NDArray[np.int32]]]:
    """The corners (8,) of the words in each frame: what EasyOCR's `get_textbox` gives, whose settings it takes."""
    device, thresholds = settings["device"], {k: settings[k] for k in ("text_threshold", "link_threshold", "low_text")}
    resized, ratio = resize_to_canvas(frames, settings["canvas_size"], settings["mag_ratio"])
    at_once = frames_at_once(len(resized), device)
    parts = [resized[first : first + at_once] for first in range(0, len(resized), at_once)]
    # A GPU only takes note of its work here, all parts of it, and has done one after another when it is waited for.
    maps = [_start(detector, detector_input(part, device), thresholds["text_threshold"], device) for part in parts]
    look = functools.partial(easyocr_reader.boxes_in_map, ratio=1 / ratio, thresholds=thresholds)
    found = [_threads().submit(look, one) if one is not None else None for waits in maps for one in waits()]
    return [words.result() if words else [] for words in found]


def frames_at_once(number: int, device: str) -> int:
    """How many frames of a batch the detector has at a time: on a GPU parts of one size."""
    most = DETECTOR_FRAMES[device.partition(":")[0]]
    return most if device == "cpu" else equal_share(number, most)


def resize_to_canvas(frames: NDArray[np.uint8], canvas_px: int, magnify: float) -> tuple[NDArray[np.uint8], float]:
    """The frames magnified, but with long sides of `canvas_px` at most; and how many times as large they are now."""
    import cv2

    height, width = frames.shape[1:3]
    long_px = max(height, width)
    ratio = min(magnify * long_px, canvas_px) / long_px
    size = int(width * ratio), int(height * ratio)
    if size == (width, height):
        return frames, ratio
    return np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR) for frame in frames]), ratio


def detector_input(frames: NDArray[np.uint8], device: str) -> "torch.Tensor":
    """(B, 3, H, W) on the device: the frames, with black below and to the right up to the grid, normalised there."""
    import torch

    pixels = array_to_device(frames, device)
    below, right = (-side % GRID_PX for side in frames.shape[1:3])
    pixels = torch.nn.functional.pad(pixels, (0, 0, 0, right, 0, below))
    # Row by row: over the three numbers of a pixel alone the arithmetic takes three times as long.
    mean, std = (torch.tensor([255 * one for one in of]).repeat(pixels.shape[2]) for of in (MEAN, STD))
    rows = pixels.flatten(2).float().sub_(_sent(mean, device)).div_(_sent(std, device))
    return rows.reshape(pixels.shape).movedim(-1, 1)


def _sent(values: "torch.Tensor", device: str) -> "torch.Tensor":
    """On the device, without waiting for what it is at: of so few numbers the system makes a copy of its own."""
    return values.to(device, non_blocking=True)


def _start(detector: Any, batch: "torch.Tensor", text_threshold: float, device: str) -> Maps:
    """Starts the detector on a batch; its maps are to be had of what is returned."""
    import torch

    maps, _ = detector(batch)
    # A word has a place where the threshold is reached.
    has_text = ~(maps[..., 0].amax((1, 2)) < text_threshold)
    maps, has_text = (tensor.to("cpu", non_blocking=True) for tensor in (maps, has_text))
    copied = None if device == "cpu" else torch.cuda.current_stream(device).record_event()

    def wait() -> list[NDArray[np.float32] | None]:
        if copied:
            copied.synchronize()
        return [one.numpy() if has else None for one, has in zip(maps, has_text.tolist(), strict=True)]

    return wait


def read_boxes(
    reader: Any, frames: NDArray[np.uint8], horizontal: Iterable[list[Any]], free: Iterable[list[Any]]
) -> list[list[Line]]:
    """The lines in each frame, in its horizontal and its free-form boxes.

    As in EasyOCR a line is padded to the width of the widest line of its frame, on a CPU to its own, and read alone.
    Frame by frame, since what is read in one must not depend on those beside it, and few have text.
    """
    crops_of = functools.partial(_crops, alone=reader.device == "cpu")
    return [
        [line for crops, width in groups for line in easyocr_reader.read_crops(reader, crops, width)]
        for groups in _threads().map(crops_of, frames, horizontal, free)
    ]


def _crops(
    frame: NDArray[np.uint8], horizontal: list[Any], free: list[Any], alone: bool
) -> list[tuple[list[easyocr_reader.Crop], int]]:
    """Groups of lines of a frame that are padded to one width, and this width."""
    import cv2

    if not horizontal and not free:
        return []
    grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
    groups = [([box], []) for box in horizontal] + [([], [box]) for box in free] if alone else [(horizontal, free)]
    return [easyocr_reader.crops_of(grey, *boxes) for boxes in groups]


@functools.cache
def _threads() -> ThreadPoolExecutor:
    """Threads for what OpenCV and NumPy do on the host, of all readers."""
    return ThreadPoolExecutor(THREADS, "ocr")
