"""A probe: which of the modules that are named as its arguments cannot be imported."""

import importlib
import sys

from pipeline.doctor.probes import answer
from pipeline.errors import in_one_line

LIGHT = ("numpy", "cv2", "onnxruntime", "zarr", "PIL", "yaml")
"""Are imported in a second."""
ALL = (
    *LIGHT, "scipy", "matplotlib", "skimage", "sklearn", "librosa", "faiss", "fastapi", "uvicorn", "torch",
    "torchvision", "safetensors", "timm", "transformers", "open_clip", "easyocr", "whisper", "faster_whisper",
    "facenet_pytorch", "rapidocr", "onnx",
)  # fmt: skip


def main() -> None:
    """Prints module -> why not, once more after each one: should it crash, the last answer says where."""
    broken: dict[str, str] = {}
    for module in sys.argv[1:]:
        answer({"broken": broken | {module: "ends the process that imports it"}})
        try:
            importlib.import_module(module)
        except Exception as error:  # whatever a library raises that does not fit the others
            broken[module] = in_one_line(error)
    answer({"broken": broken})


if __name__ == "__main__":
    main()
