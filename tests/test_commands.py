"""Types every command that README and manual name, in a small project with the names that they use.

The tutorial is typed by test_tutorial.py; what needs more (a cluster, files of their owners) by the tests that
ELSEWHERE names.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests import terminal
from tests.clips import make_clip
from tests.test_readme import PAGES, ROOT, block

PROGRAMS = ("luigi --module tasks", "python -m tasks", "python -m search", "expert-retrieval")
TUTORIAL = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/tutorial.md").read_text(encoding="utf-8"), re.DOTALL)
SERVER = "python -m search "
PATIENCE_S = 400.0

OFFLINE = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1,localhost"}
"""No test fetches gigabytes: nobody listens there."""

ELSEWHERE = {
    "--dataset clips": ("tests/test_tutorial.py", "python -m search --dataset clips"),
    "--mcp": ("tests/search/assistant/test_server.py", "--mcp"),
    "--Engine-name ray": ("tests/scale/test_ray.py", 'name="ray"'),
    "EvaluateReleased": ("tests/tasks/test_released.py", "EvaluateReleased("),
    "--model ce_released_msrvtt": ("tests/tasks/test_released.py", "ce_released_msrvtt"),
    "ImportExperts": ("tests/tasks/test_known_datasets.py", "ImportExperts("),
    "FetchAnnotations": ("tests/tasks/test_known_datasets.py", "FetchAnnotations"),
    "FetchWeights": ("tests/tasks/test_fetch_weights.py", "FetchWeights"),
}
"""Part of a command -> the file of the test that runs it, and a word that stands there."""

NAMES_ONLY = {"luigi --module tasks", "luigi --module tasks NewDataset", "python -m tasks", "python -m search --videos"}
"""What the texts speak of, and is no whole command: it ends with a line that says what is missing."""


def named() -> list[str]:
    """All commands, in the order in which they are read."""
    found: dict[str, None] = {}
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for line in page.read_text(encoding="utf-8").splitlines():
            typed = line.partition("  #")[0].strip()
            for text in [typed, *re.findall(r"`([^`]+)`", line), *re.findall(r"then runs: (.*)", line)]:
                if text.startswith(PROGRAMS) and "..." not in text:
                    found[text] = None
    typed_there = {line for text in TUTORIAL for line in text.splitlines()}
    return [command for command in found if command not in typed_there]


def is_typed_here(command: str) -> bool:
    """Whether no other test runs it."""
    return not any(part in command for part in ELSEWHERE)


HERE = list(filter(is_typed_here, named()))


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


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"))


def test_what_is_not_typed_here_is_run_by_another_test():
    assert len(HERE) >= 20
    for part, (path, word) in ELSEWHERE.items():
        assert any(part in command for command in named()), f"no page speaks of {part} any more"
        assert word in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("command", HERE)
def test_it_does_what_the_page_promises_when_it_is_typed(world, command):
    world.before(command)
    if command.startswith(SERVER) and command not in NAMES_ONLY and "--people" not in command:
        assert "<title>Search videos</title>" in terminal.page_of(world.folder, command, world.environment())
        return
    ran = world.type(command)
    told = f"{command}\n{ran.stdout}\n{ran.stderr}"
    assert "Traceback" not in told
    if command in NAMES_ONLY:
        assert ran.returncode == 2, told
        assert ran.stderr.strip(), "it says what is missing"
    elif command == "luigi --module tasks EvaluateCE --dataset msrvtt":
        assert ran.returncode == 30, told
        assert "msrvtt: not all of it is here" in ran.stderr
    else:
        assert ran.returncode == 0, told
