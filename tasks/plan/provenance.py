"""Where and with what a result was made: kept beside the result for people to read, never part of its name."""

import json
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from tasks.plan import code_digest

PACKAGES = ("torch", "torchvision", "numpy", "av", "decord", "zarr", "luigi")

CODE = "code_digest"
"""Key of the digest of the extractor's code. Until November 2026 it was `code`, for a digest of fewer modules."""


def provenance(extractor: str = "") -> dict[str, Any]:
    """Time, system, versions of the packages that matter, and a digest of the code of `extractor` if one is named."""
    return {
        "made": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
    } | ({CODE: code_digest.digest(extractor)} if extractor else {})


def code_has_changed(folder: Path, extractor: str) -> bool:
    """Whether the code of `extractor` differs from the code that began the store in `folder`.

    False where that is unknown: no store, a store without provenance, or one begun by another minor version of Python,
    whose digests cannot be compared.
    """
    try:
        recorded = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))["provenance"]
        digest, python = recorded[CODE], recorded["python"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    comparable = python.split(".")[:2] == platform.python_version().split(".")[:2]
    return bool(comparable and digest != code_digest.digest(extractor))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
