"""What a bare machine with a GPU has installed, what the run brings along as wheels, and what it goes without."""

PYTHON = "3.12"

VERSIONS = {
    "torch": "2.11.0",
    "torchvision": "0.26.0",
    "transformers": "5.17.0",
    "numpy": "2.5.2",
    "tokenizers": "0.23.2",
}
"""Of packages there that decide whether a wheel fits; nobody wrote down the others'."""

_NAMES = """
absl-py accelerate aiohttp anyio attrs certifi charset-normalizer click cloudpickle contourpy cycler filelock
flatbuffers fonttools fsspec grpcio h5py hf-xet httpx huggingface-hub hypothesis idna imageio iniconfig jinja2 joblib
kiwisolver lazy-loader llvmlite markdown markdown-it-py markupsafe matplotlib mdurl ml-dtypes mpmath msgpack networkx
numba numpy nvidia-ml-py onnxruntime opencv-python-headless packaging pandas pillow pluggy protobuf psutil pyarrow
pygments pyparsing pytest pytest-timeout pytest-xdist python-dateutil pyyaml regex requests rich safetensors
scikit-image scikit-learn scipy setuptools six sortedcontainers sympy tensorboard threadpoolctl tifffile tiktoken
tokenizers torch torchaudio torchvision tqdm transformers triton typer typing-extensions urllib3
wrapt
"""
THERE = frozenset(_NAMES.split())
"""Packages of that machine, as far as this project or what it brings along may ask for them."""

BROUGHT = (
    "av", "zarr", "luigi", "facenet-pytorch", "open-clip-torch", "pydantic", "pebble", "librosa",
    "openai-whisper", "easyocr", "timm",
)  # fmt: skip
"""Packages of the project that are not there; what they need in turn is found in their wheels."""

NEEDLESS = frozenset({"docutils", "ninja"})
"""Asked for by the metadata of a wheel (python-daemon's, easyocr's), for nothing that is imported here."""

LEFT_OUT = {
    "rapidocr": "the expert ocr_light",
    "faster_whisper": "the expert speech_fast",
    "ctranslate2": "the network of the expert speech_fast",
    "chardet": "captions and subtitles that are not in Unicode",
    "decord": "the second decoder, for files that make PyAV hang or crash",
    "faiss": "the search of a million videos by FAISS, beside which the GPU's is put; videos in few vectors",
    "fastapi": "the search page",
    "starlette": "the search page",
    "uvicorn": "the search page",
    "omegaconf": "the settings of the expert ocr_light",
    "onnx": "image classifiers in ONNX Runtime, on a CPU",
    "obstore": "stores and videos elsewhere",
    "ray": "extraction on several machines",
    "mcp": "a collection as tools of an assistant",
    "ir_measures": "TREC's measures",
    "lance": "exports as Lance",
    "scenedetect": "the expert shots_light",
    "webdataset": "exports as WebDataset",
}
"""Module that is too large to bring along, or not needed -> what the run goes without."""
