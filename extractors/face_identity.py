"""Who is there: MTCNN finds faces, InceptionResnetV1 tells people apart, and a face keeps its number while it moves.

Networks from facenet-pytorch: MTCNN (Zhang et al. 2016) with its weights inside the wheel, InceptionResnetV1 trained on
VGGFace2 (Cao et al. 2018) in the way of FaceNet (Schroff et al. 2015). F faces.
"""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from extractors import faces
from extractors.base import Embedded
from extractors.networks.base import NetworkExtractor
from pipeline.stores.parts import Features
from pipeline.weights.files import WeightFile
from pipeline.weights.wheels import wheel_sha256

if TYPE_CHECKING:
    import torch

FACE_PX = 160
"""Side of what the network is shown."""

RELEASED = WeightFile(
    "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/20180402-114759-vggface2.pt",
    sha256="281cebca8662831adb987a874bdcb36e73f5b1c6dc5ee5878f305e985625d99b",
    size_mb=111.9,
    licence="MIT code; VGGFace2 data for research",
)
_CLASSES = 8631  # people in VGGFace2: the last layer of the file, which is not used


@dataclass(frozen=True)
class Params(faces.Params):
    """Settings of the face expert."""

    margin_px: int = 0
    """Added around the box, measured in the 160 px that the network is shown."""
    same_face_overlap: float = 0.3
    """Boxes of two frames in a row that overlap by this much (intersection over union) are one face."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.margin_px < 0 or not 0 < self.same_face_overlap <= 1:
            raise ValueError("margin_px must be at least 0, and same_face_overlap in 0..1")


class Expert(NetworkExtractor, faces.Expert):
    """One row of length 1 for each face of a frame, with extras `box_px`, `confidence` and `track`."""

    version = 1
    params: Params

    @property
    def dim(self) -> int:
        """InceptionResnetV1's."""
        return 512

    @property
    def released(self) -> dict[str, str]:
        """The network that tells people apart."""
        return {"network": RELEASED.identity}

    @property
    def weights(self) -> dict[str, str]:
        """That one, and the detector inside the wheel."""
        return super().weights | wheel_sha256("facenet-pytorch", ".pt")

    def known(self, part: str) -> WeightFile:
        """facenet-pytorch's release."""
        return RELEASED

    def build(self) -> "torch.nn.Module":
        """InceptionResnetV1 with the last layer that its file has."""
        from facenet_pytorch import InceptionResnetV1
        from torch import nn

        network = InceptionResnetV1(pretrained=None, classify=False)
        network.logits = nn.Linear(self.dim, _CLASSES)
        return self.filled("network", network)

    def load(self, device: str) -> None:
        """Put detector and network on the device."""
        super().load(device)
        faces.Expert.load(self, device)

    def embed(self, items: NDArray[np.uint8]) -> Embedded:
        """(R, 512)."""
        found, index = self.find(items)
        if not len(index):
            return Embedded(np.zeros((0, self.dim), np.float32), index, found.extras)
        pairs = zip(index, found.boxes_px, strict=True)
        crops = np.array([self._crop(items[item], box) for item, box in pairs], np.float32)
        return Embedded(self.run(crops, lambda faces: faces), index, found.extras)

    def _crop(self, frame: NDArray[np.uint8], box_px: NDArray[np.float32]) -> Any:
        """(3, 160, 160), cut and scaled as facenet-pytorch does."""
        from facenet_pytorch.models.mtcnn import fixed_image_standardization
        from facenet_pytorch.models.utils.detect_face import extract_face

        face = extract_face(frame, box_px, image_size=FACE_PX, margin=self.params.margin_px)
        return fixed_image_standardization(face).numpy()

    def finish(self, features: Features) -> Features:
        """With `track` (R,), the number of the person within the video, by where the face was in the frame before."""
        if not len(features.values):
            return features
        numbers = tracks(features.extras["box_px"], features.times_s[:, 0], self.params.same_face_overlap)
        return dataclasses.replace(features, extras={**features.extras, "track": numbers})


def tracks(boxes_px: NDArray[np.float32], starts_s: NDArray[np.float64], overlap: float) -> NDArray[np.int64]:
    """(F,) numbers from 0 on; each face takes that of the free face in the frame before which it overlaps most.

    `boxes_px` (F, 4) left, top, right, bottom; `starts_s` (F,) never falling, the same for faces of one frame.
    """
    numbers = np.full(len(boxes_px), -1, np.int64)
    before = np.zeros(0, np.int64)
    for start_s in np.unique(starts_s):
        here = np.flatnonzero(starts_s == start_s)
        shared = _overlaps(boxes_px[here], boxes_px[before])
        while shared.size and shared.max() >= overlap:
            row, column = np.unravel_index(shared.argmax(), shared.shape)
            numbers[here[row]] = numbers[before[column]]
            shared[row], shared[:, column] = -1, -1
        new = here[numbers[here] < 0]
        numbers[new] = numbers.max() + 1 + np.arange(len(new))
        before = here
    return numbers


def _overlaps(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """(A, B), intersection over union of the boxes (A, 4) and (B, 4)."""
    a, b = one[:, None].astype(np.float64), other[None].astype(np.float64)
    sides = np.maximum(0, np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]))
    shared = sides.prod(axis=-1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(axis=-1) for boxes in (a, b)]
    return np.asarray(shared / np.maximum(areas[0] + areas[1] - shared, 1e-9), np.float64)
