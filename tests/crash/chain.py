"""The tiny project with all of its commands, and what an undisturbed run of them leaves behind."""

import shutil
import time
from pathlib import Path

import numpy as np

from pipeline.stores import parts, store
from pipeline.stores.atomic import TEMPORARY
from tests.tasks.project import Project, forget_everything

COMMANDS = (("EvaluateCE", "--dataset", "tiny"), ("BuildIndex", "--dataset", "tiny"))


class Chain:
    """The tiny project with all of its commands, and what an undisturbed run leaves behind."""

    def __init__(self, root: Path) -> None:
        self.project = Project(root).make()
        started = time.monotonic()
        self.run()
        self.duration_s = time.monotonic() - started
        self.wanted = self.results()

    def forget(self) -> None:
        """Deletes everything that was computed."""
        shutil.rmtree(self.project.data / "store")
        shutil.rmtree(self.project.data / "cache")

    def run(self) -> None:
        """All commands, undisturbed."""
        for command in COMMANDS:
            code, output, errors = self.project.run_command(*command)
            assert code == 0, f"{output}\n{errors}"

    def results(self) -> dict[str, bytes]:
        """What the run is for: report, ranks, features by the content of the videos, vectors of the index."""
        data = self.project.data / "store"
        files = [*data.glob("reports/*/*/*/report.json"), *data.glob("reports/*/*/*/ranks.csv")]
        indexes = (path for path in data.glob("index/*/*") if not path.name.startswith(TEMPORARY))  # of a killed run
        files += [path for folder in indexes for path in folder.rglob("*.npy")]
        found = {str(path.relative_to(data)): path.read_bytes() for path in files}
        forget_everything()
        for folder in sorted(data.glob("features/*/*")):
            for key in sorted(store.rows(folder)):
                features = parts.read_features(folder, key)
                assert features is not None
                arrays = [features.values, features.times_s, *features.extras.values()]
                found[f"{folder.parent.name}/{key}"] = b"".join(_bytes(array) for array in arrays)
        assert len(found) > len(COMMANDS)
        return found


def _bytes(array: np.ndarray) -> bytes:
    return repr(array.tolist()).encode() if array.dtype.kind in "TUO" else array.tobytes()
