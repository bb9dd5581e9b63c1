"""Video to features: one module per extractor, all fed by one fused pass."""

import os
from pathlib import Path

OWN = "EXPERT_RETRIEVAL_EXTRACTORS"
"""Environment variable with the folder of a project's own extractors; worker processes get it from their parent."""


def add_own(project: Path) -> None:
    """Makes the modules in `project`/extractors importable as `extractors.<name>`, after those of the program.

    For a project that is not the program's own repository; without effect where it has no such folder.
    """
    folder = (project / "extractors").absolute()
    if folder.is_dir() and not (folder / "__init__.py").exists():
        os.environ[OWN] = str(folder)
        _look_in(os.environ[OWN])


def _look_in(folder: str) -> None:
    if folder not in __path__:
        __path__.append(folder)


if OWN in os.environ:
    _look_in(os.environ[OWN])
