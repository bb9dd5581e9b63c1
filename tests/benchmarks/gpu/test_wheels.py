"""The wheels for a machine with a GPU: read from the lock, few enough, and with them all of the run can be imported."""

import os
import subprocess
import sys
import zipfile

import pytest

from benchmarks.gpu import checks
from benchmarks.gpu.there import BROUGHT, LEFT_OUT, PYTHON, THERE
from benchmarks.gpu.wheels import LOCK, MOST_BYTES, collect, name_of, needs_of, read_lock, unmet
from tests.benchmarks.gpu.bare import expose, imported, modules
from tests.conftest import ROOT

LOCKED = """
av==18.1.0 ; python_full_version < '3.12' \\
    --hash=sha256:aa
    # via expert-retrieval (pyproject.toml)
av==19.0.2 ; python_full_version >= '3.12' \\
    --hash=sha256:bb \\
    --hash=sha256:cc
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:dd
Luigi==3.8.1 \\
    --hash=sha256:ee
"""
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_the_lock_is_read_for_the_machines_python_with_its_hashes_and_without_its_markers():
    found = read_lock(LOCKED, "3.12")
    assert {name: version for name, (version, _) in found.items()} == {"av": "19.0.2", "luigi": "3.8.1"}
    assert found["av"][1] == "av==19.0.2 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc"
    assert read_lock(LOCKED, "3.11")["av"][0] == "18.1.0"


def test_all_that_is_brought_is_in_the_lock_and_nothing_of_it_is_there_already():
    assert set(BROUGHT) <= read_lock(LOCK.read_text(encoding="utf-8"), PYTHON).keys()
    assert not set(BROUGHT) & THERE
    assert not LEFT_OUT.keys() & THERE


def wheel(folder, name, *needs):
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        told = "".join(f"Requires-Dist: {need}\n" for need in needs)
        archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{told}")
    return path


def test_what_a_wheel_asks_for_is_met_by_the_others_or_by_what_is_there(tmp_path):
    needs = ("numpy>=2", "other>=1", "missing", "docutils", 'old; python_version < "3.12"', 'plots; extra == "plots"')
    one = wheel(tmp_path, "one", *needs)
    wheel(tmp_path, "other", "torch>=99")
    assert [need.name for need in needs_of(one, "3.12")] == ["numpy", "other", "missing"]
    assert unmet(tmp_path, "3.12") == [
        "one-1.0-py3-none-any.whl needs missing, which is neither there nor brought along",
        "other-1.0-py3-none-any.whl needs torch>=99, and 2.11.0 would be there",
    ]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Skips what needs a package index where none can be reached."""
    probe = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--retries", "0", "tenacity"]
    if subprocess.run(probe, cwd=tmp_path_factory.mktemp("probe"), capture_output=True, check=False).returncode:
        pytest.skip("no package index can be reached")


def script(folder):
    return subprocess.run(
        [str(ROOT / "benchmarks/gpu_wheels.sh"), str(folder)],
        env=os.environ | {"PYTHON": sys.executable}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


@pytest.mark.slow
def test_the_wheels_for_the_machine_fit_together_and_into_50_mb_and_are_the_same_again(index, tmp_path):
    said = script(tmp_path)
    assert unmet(tmp_path, PYTHON) == []
    files = sorted(tmp_path.glob("*.whl"))
    assert {name_of(path) for path in files} >= set(BROUGHT)
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES
    assert all(path.name in said for path in files)
    assert all(f"{module}: without it, {lost}" in said for module, lost in LEFT_OUT.items())
    before = {path.name: path.stat().st_mtime_ns for path in files}
    assert script(tmp_path) == said
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.whl")} == before


TRY_ALL = """
import importlib
missing = []
for name in {0!r}:
    try:
        importlib.import_module(name)
    except ImportError as error:
        missing.append(f"{{name}}: {{error}}")
print(missing or "all")
"""


@pytest.mark.slow
def test_with_the_wheels_and_what_is_there_all_of_the_run_can_be_imported(index, tmp_path):
    """With those for this Python, since the packages that are linked are for this Python too."""
    folder, site = tmp_path / "wheels", tmp_path / "site"
    folder.mkdir()
    collect(folder, HERE)
    for path in folder.glob("*.whl"):
        zipfile.ZipFile(path).extractall(site)
    there = expose(tmp_path / "there", without=map(name_of, folder.glob("*.whl")))
    floors = [ROOT / name for name in ("pipeline", "extractors", "models", "search", "tasks", "benchmarks/gpu")]
    ours = [name for name in modules(ROOT, floors) if not name.startswith(("search.pages", "search.assistant"))]
    files = [path for floor in floors for path in floor.rglob("*.py")] + checks.files()
    wanted = [*sorted(imported(files) - LEFT_OUT.keys()), *ours]
    assert {"torch", "av", "zarr", "whisper", "facenet_pytorch", "open_clip", "luigi"} <= set(wanted)
    script = tmp_path / "all.py"
    script.write_text(TRY_ALL.format(wanted), encoding="utf-8")
    done = subprocess.run(
        # -S: the packages of this environment stay out of sight, but for those that are linked.
        [sys.executable, "-S", "-W", "ignore", str(script)],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1",
             "PYTHONPATH": os.pathsep.join(map(str, (ROOT, site, there)))},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "all\n", done.stdout + done.stderr[-2000:]


def test_every_package_that_is_left_out_is_missed_by_nothing_that_is_imported_at_the_top():
    """A module that the run needs imports it where it is used, so that the rest of the run goes on without."""
    for path in (path for floor in ("pipeline", "extractors", "models") for path in (ROOT / floor).rglob("*.py")):
        top = [line.split()[1].partition(".")[0] for line in path.read_text(encoding="utf-8").splitlines()
               if line.startswith(("import ", "from "))]  # fmt: skip
        assert not set(top) & LEFT_OUT.keys(), path
