"""Extracts features as a plain loop does: `python benchmarks/peers_plain.py NETWORK WEIGHTS OUT VIDEO...`.

Stands for `v-iashin/video_features` where that is not at hand: OpenCV reads frame by frame, Pillow resizes, torchvision
crops and normalises, the network runs as PyTorch builds it, one array a video. Nothing of ours but VGGish's layers and
spectrogram.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

IMAGES, STACK = 32, 64
"""Frames in a batch of ResNet-50, and in a clip of I3D."""


def frames(path: str) -> Iterator[Any]:
    """Each frame of a video as a Pillow image."""
    import cv2
    from PIL import Image

    video = cv2.VideoCapture(path)
    while True:
        found, pixels = video.read()
        if not found:
            break
        yield Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))
    video.release()


def resnet50(weights: Path, path: str) -> np.ndarray:
    """(frames, 2048)"""
    from torchvision import transforms

    network = _resnet50(weights)
    steps: list[Any] = [transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor()]
    steps.append(transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    prepare = transforms.Compose(steps)
    features, batch = [], []
    for image in frames(path):
        batch.append(prepare(image))
        if len(batch) == IMAGES:
            features.append(network(torch.stack(batch)))
            batch = []
    if batch:
        features.append(network(torch.stack(batch)))
    return torch.cat(features).numpy()


def i3d(weights: Path, path: str) -> np.ndarray:
    """(clips, 1024): a clip ends once the frame after it was read."""
    from torchvision.transforms import functional

    from benchmarks.peers_i3d import features as features_of

    network = _i3d(weights)
    features, stack = [], []
    for image in frames(path):
        scale = 256 / min(image.size)
        resized = image.resize((int(image.width * scale), int(image.height * scale)), 2)
        stack.append(functional.pil_to_tensor(resized).float())
        if len(stack) == STACK + 1:
            clip = torch.stack(stack[:-1]).permute(1, 0, 2, 3)
            features.append(features_of(network, (2 * functional.center_crop(clip, [224, 224]) / 255 - 1)[None]))
            stack = stack[-1:]
    return torch.cat(features).numpy() if features else np.zeros((0, 1024), np.float32)


def vggish(weights: Path, path: str) -> np.ndarray:
    """(patches, 128)"""
    import av
    import soxr

    from extractors.vggish import NUM_BANDS, NUM_FRAMES, RATE_HZ, log_mel

    with av.open(path) as file:
        rate_hz = file.streams.audio[0].rate
        blocks = [frame.to_ndarray().mean(axis=0) for frame in file.decode(audio=0)]
    mel = log_mel(soxr.resample(np.concatenate(blocks), rate_hz, RATE_HZ))
    patches = mel[: len(mel) // NUM_FRAMES * NUM_FRAMES].reshape(-1, NUM_FRAMES, NUM_BANDS)
    features: np.ndarray = _vggish(weights)(torch.from_numpy(patches)).numpy()
    return features


def _loaded(kept: dict[str, Any], name: str, weights: Path, make: Any) -> Any:
    if name not in kept:
        network = make()
        network.load_state_dict(torch.load(weights, map_location="cpu"))
        kept[name] = network.eval()
    return kept[name]


_KEPT: dict[str, Any] = {}


def _resnet50(weights: Path) -> Any:
    from torchvision import models

    network = _loaded(_KEPT, "resnet50", weights, models.resnet50)
    network.fc = torch.nn.Identity()
    return network


def _i3d(weights: Path) -> Any:
    from extractors.networks.video_networks import I3D, set_epsilon

    network = _loaded(_KEPT, "i3d", weights, lambda: I3D(3))
    set_epsilon(network, 1e-5)
    return network


def _vggish(weights: Path) -> Any:
    from extractors.networks.vggish import VGGish

    return _loaded(_KEPT, "vggish", weights, VGGish)


NETWORKS = {"resnet50": resnet50, "i3d": i3d, "vggish": vggish}


def main() -> None:
    """Writes an array for each video."""
    name, weights, out, *videos = sys.argv[1:]
    with torch.no_grad():
        for path in videos:
            np.save(Path(out) / f"{Path(path).stem}.npy", NETWORKS[name](Path(weights), path))


if __name__ == "__main__":
    main()
