"""Types every command that README and manual name, in a small project with the names that they use.

Benchmarks are run at a small size. The tutorial is typed by test_tutorial.py; what needs more (a cluster, files of
their owners) by the tests that ELSEWHERE names.
"""

import json
import os
import re

import pytest

from benchmarks.stamps import photographs
from tests import benchmark_commands, terminal
from tests.benchmark_commands import SMALL
from tests.manual_project import PATIENCE_S, World
from tests.test_readme import PAGES, ROOT

PROGRAMS = ("luigi --module tasks", "python -m tasks", "python -m search", "expert-retrieval")
TUTORIAL = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/tutorial.md").read_text(encoding="utf-8"), re.DOTALL)
SERVER = "python -m search "

ELSEWHERE = {
    "--dataset clips": ("tests/test_tutorial.py", "python -m search --dataset clips"),
    "--mcp": ("tests/search/assistant/test_server.py", "--mcp"),
    "--Engine-name ray": ("tests/scale/test_ray.py", 'name="ray"'),
    "s3://bucket": ("tests/scale/test_quickstart.py", 'BUCKET, MANIFEST, VECTORS = "bucket"'),
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

PATHS = {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
"""So that a benchmark typed in another folder measures this tree."""


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


@pytest.fixture(scope="module")
def indexed(world):
    """The same project, whose demo can be searched."""
    assert world.type("luigi --module tasks BuildIndex --dataset demo").returncode == 0
    return world


def keys(figures):
    """Of a dict, or of the first of several."""
    return sorted(figures if isinstance(figures, dict) else figures[0])


def test_each_benchmark_that_a_page_or_make_names_is_run_by_a_test():
    named, elsewhere = benchmark_commands.named(), benchmark_commands.ELSEWHERE
    assert len(named) >= 12
    assert named <= SMALL.keys() | elsewhere.keys()
    for command, (path, word) in elsewhere.items():
        assert command in named, f"no page speaks of {command} any more"
        assert word in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("command", SMALL)
def test_a_benchmark_measures_a_small_size_and_writes_what_it_writes_at_full_size(indexed, tmp_path, command):
    world, small, out = indexed, SMALL[command], tmp_path / "figures.json"
    before = {path: path.stat().st_mtime_ns for path in (ROOT / "benchmarks").glob("*.json")}
    typed = command.replace("python benchmarks/", f"python '{ROOT}'/benchmarks/")
    options = small.options.format(videos=world.folder / "made/videos", out=out)
    ran = terminal.type_in(world.folder, f"{typed} {options}", world.environment() | PATHS, PATIENCE_S)
    assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
    assert re.search(small.printed, ran.stdout), ran.stdout
    if small.kept:
        kept, made = (json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "benchmarks" / small.kept, out))
        assert keys(made) == keys(kept), "the tables of the manual read the same keys"
    assert {path: path.stat().st_mtime_ns for path in before} == before, "measured figures are not overwritten"


def test_the_benchmark_of_photographs_says_what_it_lacks(tmp_path):
    if photographs.installed():
        pytest.skip("tuxpaint-stamps-default is installed: a run takes a quarter of an hour, `make bench-stamps`")
    ran = terminal.type_in(tmp_path, "python -m benchmarks.stamps.run work", terminal.environment() | PATHS, 100.0)
    assert ran.returncode == 1
    assert ran.stderr.startswith("no photographs: apt-get install tuxpaint-stamps-default")
