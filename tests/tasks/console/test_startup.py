import subprocess
import sys

import pytest

from tests.tasks.project import CONFIGS

SCRIPT = """
import atexit, logging, os, sys
calls = []
atexit.register = lambda function, *rest: calls.append(function.__name__)
import tasks
from luigi.cmdline_parser import CmdlineParser
print(os.environ["GOMP_SPINCOUNT"] != "")
print(sys.excepthook.__module__)
print([type(known).__name__ for known in logging.getLogger("luigi-interface").filters])
print(CmdlineParser._possibly_exit_with_help.__module__)
print("flush_output" in calls, "torch" in sys.modules)
"""


def test_an_import_prepares_threads_error_messages_help_and_the_end_of_output():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, cwd=CONFIGS.parent
    )
    assert done.stdout.splitlines() == [
        "True",
        "tasks.console.error_messages",
        "['_OneLineFilter']",
        "tasks.console.luigi_internals",
        "True False",
    ]


HEAVY = {
    "torch",
    "torchvision",
    "av",
    "decord",
    "cv2",
    "zarr",
    "librosa",
    "matplotlib",
    "scipy",
    "skimage",
    "onnxruntime",
}


def test_importing_the_tasks_imports_no_heavy_library():
    script = f"import sys, tasks; print(sorted({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=CONFIGS.parent
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("library", "is_left"), [("json", True), ("soxr", False), ("torch", True)], ids=["plain", "by nanobind", "torch"]
)
def test_garbage_is_left_at_the_end_unless_a_library_would_complain_of_it(library, is_left):
    script = (
        f"import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 50_000)); import tasks, {library}"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=CONFIGS.parent
    )
    assert (done.stdout, done.stderr) == (f"{is_left}\n", "")
