"""What the figures were measured on, printed as JSON; a program, since asking takes a GPU's memory."""

import datetime
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.extraction import machine

ROOT = Path(__file__).parents[2]
UNKNOWN = "unknown"


def facts(device: str) -> dict[str, Any]:
    """GPU, driver, libraries, CPU, date and commit."""
    import torch

    here = machine()
    return {
        "gpu": torch.cuda.get_device_name(device) if device != "cpu" else "none",
        "gpu_gb": round(torch.cuda.get_device_properties(device).total_memory / 1e9) if device != "cpu" else 0,
        "driver": said(["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]),
        "cuda": torch.version.cuda or "none",
        "torch": torch.__version__,
        **{name: version(name) for name in ("torchvision", "transformers", "numpy", "av")},
        "python": ".".join(map(str, sys.version_info[:3])),
        "cpu": here["cpu"],
        "cores": here["cores"],
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": os.environ.get("COMMIT") or said(["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"]),
    }


def said(command: list[str]) -> str:
    """The first line that a program says; "unknown" where it is not there, or fails."""
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return UNKNOWN
    return told.partition("\n")[0].strip() or UNKNOWN


if __name__ == "__main__":
    print(json.dumps(facts(sys.argv[1])))
