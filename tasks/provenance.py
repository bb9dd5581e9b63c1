"""Where and with what a result was made: kept beside it to be read, never part of its name."""

import platform
import time
from importlib import metadata
from typing import Any

PACKAGES = ("torch", "torchvision", "numpy", "av", "decord", "zarr", "luigi")


def provenance() -> dict[str, Any]:
    """Time, system and versions of the packages that matter."""
    return {
        "made": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
