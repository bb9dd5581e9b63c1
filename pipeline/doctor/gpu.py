"""GPUs: whether there is one, its driver, and whether torch computes on it."""

import importlib.util
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.doctor.findings import Finding

SUBJECT = "GPU"
LEAST_MEMORY = 4e9
"""Bytes free: the largest networks of the shipped experts take some gigabytes with a batch."""
NEWER = "update the NVIDIA driver, or install a torch for an older CUDA (https://pytorch.org/get-started/locally)"
CPU_BUILD = (
    "install the torch with CUDA: pip install --force-reinstall torch torchvision, without --index-url .../cpu; "
    "https://pytorch.org/get-started/locally"
)


def has_nvidia(root: Path = Path("/")) -> bool:
    """Whether the system has an NVIDIA GPU, or its driver, whatever torch says."""
    return any([
        any((root / "dev").glob("nvidia[0-9]*")),
        (root / "dev/dxg").exists(),  # Windows' subsystem for Linux
        (root / "proc/driver/nvidia/version").exists(),
    ])  # fmt: skip


def without_gpu() -> Iterator[Finding]:
    """Findings where there is no GPU; torch, which takes seconds to import, is looked at from outside."""
    build, cuda = torch_build()
    if build is None:
        yield Finding("torch", "fault", "not installed", "pip install torch torchvision")
        return
    yield Finding(SUBJECT, "ok", f"none: all runs on the CPU (torch {build}, {f'CUDA {cuda}' if cuda else 'no CUDA'})")


def with_gpu(told: dict[str, Any], root: Path = Path("/")) -> Iterator[Finding]:
    """Findings from the answer of the probe, where a GPU or its driver is there."""
    driver = driver_version(root)
    about = f"driver {driver or 'unknown'}"
    if "torch" not in told:
        advice = "pip install --force-reinstall torch torchvision"
        yield Finding("torch", "fault", f"cannot be imported: {told.get('error', 'no answer')}", advice)
    elif not told["cuda"]:
        yield Finding(SUBJECT, "fault", f"there, {about}, but torch {told['torch']} is built without CUDA", CPU_BUILD)
    elif not told["devices"]:
        why = told.get("why", "no device")
        yield Finding(SUBJECT, "fault", f"torch {told['torch']} cannot use it ({about}): {why}", _advice(why, root))
    else:
        for number, device in enumerate(told["devices"]):
            yield _device(number, device, f"{about}, torch {told['torch']}, CUDA {told['cuda']}")


def torch_build() -> tuple[str | None, str | None]:
    """(version, CUDA) that torch was built with, read without importing it; None for what is not there."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return None, None
    text = ""
    with suppress(OSError):
        text = (Path(found.origin).parent / "version.py").read_text(encoding="utf-8")
    version = re.search(r"^__version__ = ['\"]([^'\"]+)", text, re.MULTILINE)
    cuda = re.search(r"^cuda\b[^=]*= ['\"]([^'\"]+)", text, re.MULTILINE)
    return version[1] if version else "of an unknown version", cuda[1] if cuda else None


def driver_version(root: Path = Path("/")) -> str:
    """Version of NVIDIA's driver; empty where the system does not tell."""
    with suppress(OSError):
        text = (root / "proc/driver/nvidia/version").read_text(encoding="utf-8")
        found = re.search(r"\b(\d+\.\d+(?:\.\d+)?)\b", text)
        return found[1] if found else ""
    return ""


def _device(number: int, device: dict[str, Any], about: str) -> Finding:
    what = f"cuda:{number}, {device['name']}"
    if device["why"]:
        old = "no kernel image" in device["why"]
        advice = (
            "install a torch that is built for this GPU (https://pytorch.org/get-started/locally)" if old else NEWER
        )
        return Finding(SUBJECT, "fault", f"{what} does not compute ({about}): {device['why']}", advice)
    memory = f"{device['free'] / 1e9:.1f} of {device['total'] / 1e9:.1f} GB free"
    if device["free"] < LEAST_MEMORY:
        advice = "end the other programs on it (nvidia-smi lists them), or name another GPU: [Extraction] device"
        return Finding(SUBJECT, "note", f"{what}, {memory} ({about})", advice)
    return Finding(SUBJECT, "ok", f"{what}, {memory} ({about})")


def _advice(why: str, root: Path) -> str:
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None and hidden.strip() in {"", "-1", "NoDevFiles"}:
        return "CUDA_VISIBLE_DEVICES hides it: unset CUDA_VISIBLE_DEVICES"
    if "too old" in why or "insufficient" in why:
        return NEWER
    if not any((root / "dev").glob("nvidia[0-9]*")):
        return "its driver is loaded and no device is shown to this process: docker run --gpus all, sbatch --gres=gpu:1"
    return "if nvidia-smi fails as well, install or restart the NVIDIA driver; else " + NEWER
