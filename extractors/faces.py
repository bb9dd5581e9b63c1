"""Face expert on MTCNN: detects faces, aligns them by their landmarks, and describes them by HOG, LBP and colour.

MTCNN (Zhang et al. 2016) comes from facenet-pytorch, with its weights inside the wheel. F faces.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded
from extractors.frames.windows import FrameExtractor
from extractors.networks.mtcnn import Detector
from extractors.networks.mtcnn_gpu import BatchDetector
from extractors.networks.placing import without_autocast
from pipeline import config
from pipeline.weights.wheels import wheel_sha256

if TYPE_CHECKING:
    import torch

_SIDE_PX = 64
"""Side of the aligned face."""
_LANDMARKS = np.array([[0.34, 0.46], [0.66, 0.46], [0.50, 0.64], [0.37, 0.82], [0.63, 0.82]]) * _SIDE_PX
"""(5, 2) px, eyes, nose and corners of the mouth in the aligned face: the template of ArcFace, rounded."""
_NUM_HOG = 3 * 3 * 2 * 2 * 9  # 3 x 3 blocks of 2 x 2 cells of 9 orientations
_NUM_LBP = 4 * 4 * 10  # 4 x 4 parts with 10 uniform patterns of 8 neighbours each
_NUM_COLOUR = 4 * 4 * 3


@dataclass(frozen=True)
class Params:
    """Settings of the face expert."""

    __pydantic_config__ = config.STRICT
    fps: float = 1.0
    """Frames per second."""
    short_px: int = 240
    """Short side of the frames."""
    min_face_px: int = 32
    """Smallest face that is detected; smaller values take longer."""
    min_confidence: float = 0.9
    """Faces with a lower confidence of MTCNN (0..1) are dropped."""

    def __post_init__(self) -> None:
        if self.fps <= 0:
            raise ValueError("fps must be above 0")
        if self.min_face_px < 20:
            raise ValueError("min_face_px must be at least 20; for smaller faces raise short_px")
        if self.short_px < self.min_face_px:
            raise ValueError("short_px is smaller than the smallest face, min_face_px")
        if not 0 <= self.min_confidence <= 1:
            raise ValueError("min_confidence must be in 0..1")


@dataclass(frozen=True)
class Faces:
    """The faces of a frame by falling confidence, or of several frames, one after another."""

    boxes_px: NDArray[np.float32]
    """(F, 4) left, top, right, bottom."""
    confidence: NDArray[np.float32]
    """(F,)"""
    landmarks_px: NDArray[np.float32]
    """(F, 5, 2) eyes, nose, corners of the mouth."""

    @property
    def extras(self) -> dict[str, NDArray[Any]]:
        """Extras stored beside the vectors."""
        return {"box_px": self.boxes_px, "confidence": self.confidence}


class Expert(FrameExtractor):
    """One row for each face in a frame: HOG, local binary patterns, colour."""

    version = 1
    params: Params

    @property
    def dim(self) -> int:
        """324 of HOG, 160 of local binary patterns, 48 of colour."""
        return _NUM_HOG + _NUM_LBP + _NUM_COLOUR

    @property
    def weights(self) -> dict[str, str]:
        """The networks inside the wheel."""
        return wheel_sha256("facenet-pytorch", ".pt")

    def load(self, device: str) -> None:
        """Build MTCNN on the device."""
        from facenet_pytorch import MTCNN

        self._mtcnn_device = device
        mtcnn = MTCNN(keep_all=True, select_largest=False, min_face_size=self.params.min_face_px, device=device)
        self._detector: Any = Detector(mtcnn) if device == "cpu" else BatchDetector(mtcnn, device)

    def embed(self, items: NDArray[np.uint8]) -> Embedded:
        """(R, D) vectors, with extras `box_px` (R, 4) in pixels of the resized frame and `confidence` (R,)."""
        faces, index = self.detect(items)
        pairs = zip(index, faces.landmarks_px, strict=True)
        rows = [describe(align(items[item], points)) for item, points in pairs]
        return Embedded(np.array(rows, np.float32).reshape(-1, self.dim), index, faces.extras)

    def detect(self, items: "NDArray[np.uint8] | torch.Tensor") -> tuple[Faces, NDArray[np.int64]]:
        """The faces in all frames (N, H, W, 3), and the index of the frame of each, (F,).

        On a GPU the frames may be there already.
        """
        # In float32: the 8 bits of bfloat16 would move the boxes.
        with without_autocast(self._mtcnn_device):
            detected = self._detector.detect(items)
        index = np.repeat(np.arange(len(items), dtype=np.int64), [len(boxes) for boxes in detected[0]])
        boxes, scores, points = (np.concatenate(of_frames) for of_frames in detected)
        # By rounded confidence, then by position: the last digits depend on the other frames of the batch.
        order = np.lexsort((boxes[:, 0], boxes[:, 1], -np.round(scores, 3), index))
        order = order[scores[order] >= self.params.min_confidence]
        return Faces(boxes[order], scores[order], points[order]), index[order]


def align(frame: NDArray[np.uint8], landmarks_px: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(64, 64, 3), the face rotated, scaled and moved so that its landmarks (5, 2) match the template.

    The least-squares similarity transform, in closed form over complex numbers: target = a * source + b.
    """
    import cv2

    source, target = (points @ np.array([1, 1j]) for points in (landmarks_px.astype(np.float64), _LANDMARKS))
    centred = source - source.mean()
    factor = np.vdot(centred, target - target.mean()) / max(np.vdot(centred, centred).real, 1e-6)
    shift = target.mean() - factor * source.mean()
    matrix = np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])
    face = cv2.warpAffine(frame, matrix, (_SIDE_PX, _SIDE_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(face, np.uint8)


def describe(face: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(D,) of an aligned face (64, 64, 3): three blocks, each of length 1 / sqrt(3)."""
    import cv2
    from skimage.feature import hog, local_binary_pattern

    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    edges = hog(grey, orientations=9, pixels_per_cell=(16, 16), cells_per_block=(2, 2), feature_vector=True)
    patterns = np.asarray(local_binary_pattern(grey, P=8, R=1, method="uniform"), np.int64)  # type: ignore[no-untyped-call]
    parts = patterns.reshape(4, 16, 4, 16).swapaxes(1, 2).reshape(16, 256)
    texture = np.sqrt([np.bincount(part, minlength=10) for part in parts]).ravel()
    colour = cv2.resize(face, (4, 4), interpolation=cv2.INTER_AREA).astype(np.float64).ravel() / 255
    blocks = [block / max(float(np.linalg.norm(block)), 1e-6) for block in (edges, texture, colour)]
    return np.concatenate(blocks, dtype=np.float64) / 3**0.5
