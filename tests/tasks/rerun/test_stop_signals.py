"""What a stop signal does to a command: what is whole is kept, one line is printed, and nobody is left behind.

The output of a command ends when the last process that inherited it has, so a command that has been read to its end has
left no worker.
"""

import os
import shutil
import signal
import subprocess
from contextlib import suppress

import pytest

from pipeline.stores import store
from tasks import ExtractExpert
from tests.tasks.project import forget_everything

STOPPED = "Stopped; the same command goes on from what is done"
EXPERTS = ("rgb_light", "speech_light")

AT_TWELVE = """
import sys, time
from luigi.cmdline import luigi_run
from extractors.extraction.watch import Watch
from pipeline.running import stopping

advance, seen = Watch.advance, []

def wait_at_twelve(self, video_s):
    seen.append(video_s)
    if len(seen) == 12:
        print("twelve", flush=True)
        while not stopping.requested():
            time.sleep(0.01)
    advance(self, video_s)

Watch.advance = wait_at_twelve
if __name__ == "__main__":
    luigi_run(sys.argv[1:])
"""
"""Luigi, but the extraction waits for a signal when 12 videos are done."""

STUCK = AT_TWELVE.replace(
    "Watch.advance =", "from pipeline.stores import parts\nparts.publish = __PATCH__\nWatch.advance ="
)
STUCK = STUCK.replace("__PATCH__", "lambda *rest: (print('publishing', flush=True), time.sleep(600))")
"""The same, and it hangs when it puts its work away."""


@pytest.fixture
def start(project, tmp_path):
    """Starts the extraction of all that is there, by a program of its own, and waits until 12 of 14 are done."""
    processes = []

    def run(script):
        shutil.rmtree(project.data / "store" / "features")
        (tmp_path / "program.py").write_text(script)
        words = ("ExtractExpert", "--dataset", "tiny", "--expert", ",".join(EXPERTS))
        more = ("--Extraction-videos-per-part", "64", "--Extraction-seconds-per-part", "600")
        program = (str(tmp_path / "program.py"),)
        path = {"PYTHONPATH": os.getcwd()}  # noqa: PTH109
        process = project.start_command(*words, *more, program=program, env=path, start_new_session=True)
        processes.append(process)
        while (line := process.stdout.readline()) != "twelve\n":
            assert line, process.stderr.read()
        return process

    yield run
    for process in processes:
        process.kill()


def to_process(process, number):
    process.send_signal(number)


def to_group_and_process(process, number):
    """As `timeout` does; Ctrl-C and SLURM signal the group alone."""
    os.killpg(process.pid, number)
    process.send_signal(number)


def num_rows(project, expert):
    forget_everything()
    return sum(len(store.rows_of(part)) for part in project.feature_parts(expert))


@pytest.mark.parametrize(
    ("number", "send"),
    [
        (signal.SIGTERM, to_group_and_process),
        pytest.param(signal.SIGTERM, to_process, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, to_group_and_process, marks=pytest.mark.slow),
    ],
)
def test_a_stop_at_12_of_14_keeps_12_and_the_next_run_makes_the_rest_as_one_run_does(project, start, number, send):
    undisturbed = {name: project.values(name).tobytes() for name in EXPERTS}
    process = start(AT_TWELVE)
    send(process, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert errors.splitlines()[-1] == STOPPED
    assert all(line.startswith("Extracting: ") for line in errors.splitlines()[:-1]), errors
    assert {name: num_rows(project, name) for name in EXPERTS} == dict.fromkeys(EXPERTS, 12)
    project.run(ExtractExpert, dataset="tiny", expert=",".join(EXPERTS))
    assert {name: project.values(name).tobytes() for name in EXPERTS} == undisturbed


@pytest.mark.slow
def test_a_second_signal_ends_at_once_what_the_first_one_could_not(project, start):
    process = start(STUCK)
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "publishing\n"
    while process.poll() is None:  # a second one too soon counts as the first one
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "Traceback" not in errors
    assert "leaked" not in errors


IMPORT = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "tasks.training":
            os.kill(os.getpid(), signal.SIGTERM)

sys.meta_path.insert(0, Finder())
from luigi.cmdline import luigi_run
luigi_run(sys.argv[1:])
"""


def test_a_signal_while_the_tasks_are_imported_is_answered_by_the_same_line(project, tmp_path):
    (tmp_path / "program.py").write_text(IMPORT)
    path = {"PYTHONPATH": os.getcwd()}  # noqa: PTH109
    code, output, errors = project.run_command("Status", program=(str(tmp_path / "program.py"),), env=path)
    assert (code, output, errors) == (143, "", STOPPED + "\n")
