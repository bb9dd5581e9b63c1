"""Face expert on FaceNet: MTCNN detects faces, InceptionResnetV1 embeds them, and tracks link them over frames.

Networks from facenet-pytorch: MTCNN (Zhang et al. 2016) with its weights inside the wheel, InceptionResnetV1 trained on
VGGFace2 (Cao et al. 2018) in the way of FaceNet (Schroff et al. 2015). F faces.
"""

import dataclasses
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from extractors import faces
from extractors.base import Embedded
from extractors.networks.base import NetworkExtractor
from extractors.networks.face_crops import corners_of, crops
from extractors.networks.placing import array_to_device, full_parts
from pipeline.stores.parts import Features
from pipeline.weights.files import WeightFile
from pipeline.weights.wheels import wheel_sha256

if TYPE_CHECKING:
    import torch

FACE_PX = 160
"""Side of the network's input."""
FACES_AT_ONCE = 64
"""On a GPU; fewer are filled up."""

RELEASED = WeightFile(
    "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/20180402-114759-vggface2.pt",
    sha256="281cebca8662831adb987a874bdcb36e73f5b1c6dc5ee5878f305e985625d99b",
    size_mb=111.9,
    licence="MIT code; VGGFace2 data for research",
)
_CLASSES = 8631  # people in VGGFace2: outputs of the last layer in the file, which is not used


@dataclass(frozen=True)
class Params(faces.Params):
    """Settings of the face expert."""

    margin_px: int = 0
    """Added around the box, in pixels of the network's input of 160 px."""
    same_face_overlap: float = 0.3
    """Boxes in consecutive frames with at least this intersection over union belong to one track."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.margin_px < 0 or not 0 < self.same_face_overlap <= 1:
            raise ValueError("margin_px must be at least 0, and same_face_overlap in 0..1")


class Expert(NetworkExtractor, faces.Expert):
    """One row of length 1 for each face in a frame, with extras `box_px`, `confidence` and `track`."""

    version = 1
    params: Params

    @property
    def dim(self) -> int:
        """D, 512: the width of InceptionResnetV1's embedding."""
        return 512

    @property
    def published_names(self) -> dict[str, str]:
        """The checksum of the published InceptionResnetV1."""
        return {"network": RELEASED.identity("")}

    @property
    def weights(self) -> dict[str, str]:
        """InceptionResnetV1, and the networks of the detector inside the wheel."""
        return super().weights | wheel_sha256("facenet-pytorch", ".pt")

    def published_file(self, part: str) -> WeightFile:
        """From the releases of facenet-pytorch."""
        return RELEASED

    def build(self) -> "torch.nn.Module":
        """InceptionResnetV1, with the last layer that its file contains."""
        from facenet_pytorch import InceptionResnetV1
        from torch import nn

        network = InceptionResnetV1(pretrained=None, classify=False)
        # facenet-pytorch has this layer only in networks whose weights it downloads itself; the file contains it.
        network.logits = nn.Linear(self.dim, _CLASSES)
        return self.with_weights("network", network)

    def load(self, device: str) -> None:
        """Move detector and network to the device."""
        super().load(device)
        faces.Expert.load(self, device)

    def embed(self, items: NDArray[np.uint8]) -> Embedded:
        """(R, 512)."""
        frames = items if self.device == "cpu" else array_to_device(items, self.device)
        detected, index = self.detect(frames)
        if not len(index):
            return Embedded(np.zeros((0, self.dim), np.float32), index, detected.extras)
        of_faces = self._on_cpu if self.device == "cpu" else self._all_at_once
        return Embedded(of_faces(frames, detected.boxes_px, index), index, detected.extras)

    def _on_cpu(self, frames: Any, boxes_px: NDArray[np.float32], index: NDArray[np.int64]) -> NDArray[np.float32]:
        """(F, 512) of the faces in frames (N, H, W, 3)."""
        crops = np.array([self._crop(frames[item], box) for item, box in zip(index, boxes_px, strict=True)], np.float32)
        return self.run(crops).values

    def _all_at_once(self, frames: Any, boxes_px: NDArray[np.float32], index: NDArray[np.int64]) -> NDArray[np.float32]:
        """As `_on_cpu`, of frames on the device, where the crops are made too."""
        corners = corners_of(boxes_px, frames.shape[1:3], FACE_PX, self.params.margin_px)

        def shown(part: NDArray[np.int64], _: "torch.Tensor") -> "torch.Tensor":
            return (crops(frames, index[part], corners[part], FACE_PX) - 127.5) / 128

        # In parts of one size: how many faces there are depends on the videos beside this one.
        parts = full_parts(len(index), FACES_AT_ONCE)
        vectors = np.concatenate([self.run(part, functools.partial(shown, part)).values for part in parts])
        return vectors[: len(index)]

    def _crop(self, frame: NDArray[np.uint8], box_px: NDArray[np.float32]) -> NDArray[np.float32]:
        """(3, 160, 160), cropped and scaled by facenet-pytorch."""
        from facenet_pytorch import extract_face, fixed_image_standardization

        face = extract_face(frame, box_px, image_size=FACE_PX, margin=self.params.margin_px)
        return np.asarray(fixed_image_standardization(face), np.float32)

    def finish(self, features: Features) -> Features:
        """Adds the extra `track` (R,), the number of the track within the video."""
        if not len(features.values):
            return features
        numbers = tracks(features.extras["box_px"], features.times_s[:, 0], self.params.same_face_overlap)
        return dataclasses.replace(features, extras={**features.extras, "track": numbers})


def tracks(boxes_px: NDArray[np.float32], starts_s: NDArray[np.float64], overlap: float) -> NDArray[np.int64]:
    """(F,) track numbers from 0 on; pairs of faces in consecutive frames are matched greedily by their overlap.

    `boxes_px` (F, 4) left, top, right, bottom; `starts_s` (F,) non-decreasing, equal for the faces of one frame;
    `overlap` is the smallest intersection over union of a match.
    """
    numbers = np.full(len(boxes_px), -1, np.int64)
    previous = np.zeros(0, np.int64)
    for start_s in np.unique(starts_s):
        current = np.flatnonzero(starts_s == start_s)
        overlaps = _intersection_over_union(boxes_px[current], boxes_px[previous])
        while overlaps.size and overlaps.max() >= overlap:
            row, column = np.unravel_index(overlaps.argmax(), overlaps.shape)
            numbers[current[row]] = numbers[previous[column]]
            overlaps[row], overlaps[:, column] = -1, -1
        new = current[numbers[current] < 0]
        numbers[new] = numbers.max() + 1 + np.arange(len(new))
        previous = current
    return numbers


def _intersection_over_union(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float64]:
    """(A, B) of the boxes (A, 4) and (B, 4)."""
    a, b = first[:, None].astype(np.float64), second[None].astype(np.float64)
    sides = np.maximum(0, np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]))
    common = sides.prod(axis=-1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(axis=-1) for boxes in (a, b)]
    return np.asarray(common / np.maximum(areas[0] + areas[1] - common, 1e-9), np.float64)
