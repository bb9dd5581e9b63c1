import os
import subprocess
import sys

import pytest

from tests.tasks.project import CONFIGS

SCRIPT = """
import atexit, gc, logging, os, sys
calls = []
atexit.register = lambda function, *rest: calls.append(function.__name__)
import tasks
from luigi.cmdline_parser import CmdlineParser
print(os.environ["GOMP_SPINCOUNT"] != "")
print(sys.excepthook.__module__)
print([type(known).__name__ for known in logging.getLogger("luigi-interface").filters])
print(CmdlineParser._possibly_exit_with_help.__module__)
print("flush_output" in calls, "torch" in sys.modules)
print(gc.isenabled(), gc.get_freeze_count())
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
        "True 0",
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
    "words",
    [
        ["-c", "from luigi.cmdline import luigi_run; luigi_run()", "--module", "tasks"],
        ["-m", "tasks"],
        ["-c", "from tasks.__main__ import main; main()"],
    ],
    ids=["luigi", "tasks", "expert-retrieval"],
)
def test_a_command_never_looks_for_garbage_in_what_it_has_imported(words, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, gc; atexit.register(lambda: print(gc.isenabled(), gc.get_freeze_count() > 50_000))"
    )
    done = subprocess.run(
        [sys.executable, *words, "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=CONFIGS.parent,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(CONFIGS.parent)])},
    )
    assert done.stdout.splitlines()[-1] == "True True"
