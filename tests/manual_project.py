"""The project of a reader of the manual, in which its commands are typed."""

import shutil
import subprocess
from pathlib import Path

import yaml

from tests import terminal
from tests.clips import make_clip
from tests.test_readme import ROOT, block

PATIENCE_S = 400.0

OFFLINE = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1,localhost"}
"""No test fetches gigabytes: nobody listens there."""


class World:
    """A project with the datasets demo, mine and msrvtt, the models that are named, and a home folder with videos."""

    def __init__(self, root: Path) -> None:
        self.folder, self.home = root / "project", root / "home"
        self.home.mkdir()
        assert self.type(f"expert-retrieval init {self.folder}", root).returncode == 0
        for name in ("one", "two"):
            make_clip(self.home / "Videos" / f"{name}.mp4", seconds=2)
        model = yaml.safe_load((ROOT / "configs/models/ce_light.yaml").read_text(encoding="utf-8"))
        model["experts"] = ["rgb_light", "ocr_light", "face_light"]
        model["training"] |= {"epochs": 2, "seeds": [0]}
        self.write("models/ce_light", model)
        self.write("models/other", model | {"training": model["training"] | {"learning_rate": 0.05}})
        made = {"version": 2, "seed": 3, "num_train": 12, "num_val": 6, "num_test": 6, "captions_per_video": 2}
        made |= {"duration_s": [1.0, 2.0], "width_px": 320, "height_px": 240, "fps": 8}
        where = {"videos": "made/videos", "captions": "made/captions.csv", "model": "ce_light"}
        self.write("datasets/demo", where | {"demo": made})
        for first_line in ("# extractors/brightness.py", "# configs/experts/brightness.yaml"):
            path = self.folder / first_line.removeprefix("# ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block(first_line), encoding="utf-8")

    def write(self, name: str, content: dict[str, object]) -> None:
        """Writes a YAML of the project."""
        path = self.folder / "configs" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content), encoding="utf-8")

    def before(self, command: str) -> None:
        """What a reader has beside the project when this command is typed."""
        if command.startswith("luigi --module tasks NewDataset --name mine"):
            shutil.copytree(self.folder / "made/videos", self.folder / "my videos", dirs_exist_ok=True)
            shutil.copy(self.folder / "made/captions.csv", self.folder)
            (self.folder / "configs/datasets/mine.yaml").unlink(missing_ok=True)
        if command.endswith("ce_light,other"):
            assert self.type("luigi --module tasks EvaluateCE --dataset demo --model other").returncode == 0
        if command.endswith("--trained-on msrvtt"):
            demo = yaml.safe_load((self.folder / "configs/datasets/demo.yaml").read_text(encoding="utf-8"))
            self.write("datasets/msrvtt", {name: demo[name] for name in ("videos", "captions", "model")})

    def environment(self) -> dict[str, str]:
        """Of a new terminal of this user."""
        return terminal.environment() | OFFLINE | {"HOME": str(self.home), "OMP_NUM_THREADS": "1"}

    def type(self, command: str, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """Types a command that ends by itself."""
        return terminal.type_in(folder or self.folder, command, self.environment(), PATIENCE_S)
