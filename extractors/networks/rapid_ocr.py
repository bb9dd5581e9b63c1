"""RapidOCR's reader, which runs PP-OCR by ONNX Runtime, with less around its networks: the same words, to the bit."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def reader(detector_px: int, min_confidence: float) -> Any:
    """A reader of frames (H, W, 3) BGR, on one core; it may be called by several threads at once.

    `detector_px`: long side of the detector's input; `min_confidence`: of the lines that it tells, 0..1.
    """
    from rapidocr import RapidOCR

    built: Any = RapidOCR(
        params={
            "Global.log_level": "error",  # the default logs every model file and every frame without text
            "Global.use_cls": False,  # the detector of upside-down text
            "Global.text_score": min_confidence,
            "Det.limit_type": "max",
            "Det.limit_side_len": detector_px,
            # With two threads beside busy decode workers OCR took three times as long: idle threads spin.
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
    # It looks its settings up for every frame; in the objects that OmegaConf makes of them, that takes 1 ms.
    built.cfg = _plain(built.cfg)
    built(np.zeros((64, 64, 3), np.uint8))  # it loads its detector with the first frame
    prepare = DetectorInput(built.text_det.get_preprocess())
    built.text_det.get_preprocess = lambda: prepare
    return built


class DetectorInput:
    """What RapidOCR's detector makes of a frame before its network runs, in a quarter of the time."""

    def __init__(self, original: Any) -> None:
        self._resize = original.resize
        levels = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
        # A level of a channel always becomes the same number: which, the original says.
        self._tables = np.ascontiguousarray(original.normalize(levels).astype(np.float32)[:, 0].T)

    def __call__(self, frame: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """(1, 3, H, W) of a frame (H, W, 3); None where it is too small."""
        import cv2

        resized = self._resize(frame)
        if resized is None:
            return None
        planes = np.empty((1, 3, *resized.shape[:2]), np.float32)
        for plane, table, channel in zip(planes[0], self._tables, cv2.split(resized), strict=True):
            cv2.LUT(channel, table, dst=plane)
        return planes


class _Settings(dict[str, Any]):
    """Settings that are also attributes, as in OmegaConf."""

    __setattr__ = dict.__setitem__

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def _plain(settings: Any) -> Any:
    """OmegaConf's settings as plain dicts and lists."""
    from omegaconf import DictConfig, ListConfig

    if isinstance(settings, DictConfig):
        return _Settings({str(name): _plain(value) for name, value in settings.items()})
    return [_plain(value) for value in settings] if isinstance(settings, ListConfig) else settings
