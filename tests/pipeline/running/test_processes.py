import importlib.machinery
import os
import signal
import subprocess
import sys
import threading
import types

import pytest

from pipeline.running import processes
from pipeline.running.processes import UnsignalledContext
from pipeline.running.stopping import SIGNALS
from tests.conftest import ROOT


def send_blocked_signals(connection):
    """Target of a child process: sends which signals are blocked in it, and waits."""
    connection.send(signal.pthread_sigmask(signal.SIG_BLOCK, set()))
    connection.poll(60)


def start_and_signal():
    """A process that receives each stop signal while it starts, and the signals that are blocked in it."""
    context = UnsignalledContext()
    here, there = context.Pipe()
    process = context.Process(target=send_blocked_signals, args=(there,))
    process.start()
    for number in SIGNALS:
        os.kill(process.pid, number)
    there.close()
    return process, here, here.recv()


def exit_code_after_signals():
    process, connection, blocked = start_and_signal()
    assert blocked >= set(SIGNALS)
    connection.close()
    process.join(10)
    return process.exitcode


def test_no_stop_signal_ends_a_process_even_while_it_starts():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, set())
    assert exit_code_after_signals() == 0
    assert signal.pthread_sigmask(signal.SIG_BLOCK, set()) == before, "they are not blocked in this process"


def test_it_may_be_started_from_any_thread():
    """As a pool does when it replaces a worker."""
    exit_codes = []
    thread = threading.Thread(target=lambda: exit_codes.append(exit_code_after_signals()))
    thread.start()
    thread.join(30)
    assert exit_codes == [0]


def test_to_terminate_it_is_to_kill_it():
    process, _, _ = start_and_signal()
    process.terminate()
    process.join(10)
    assert process.exitcode == -signal.SIGKILL


ORPHANS = """
import os, sys, time
from pipeline.running.worker_pool import run_jobs

def job(number):
    os.write(1, b"begun\\n")  # in one piece: print() writes the end of a line apart
    time.sleep(600)

if __name__ == "__main__":
    list(run_jobs(job, range(4), 2, 600))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl(2)")
def test_the_workers_of_a_process_that_is_killed_end_with_it_in_the_middle_of_a_job(tmp_path):
    (tmp_path / "orphans.py").write_text(ORPHANS)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "orphans.py")], env=environment, text=True, stdout=subprocess.PIPE
    )
    assert [process.stdout.readline() for _ in range(2)] == ["begun\n"] * 2
    process.kill()
    assert process.communicate(timeout=30)[0] == "", "the output ends with the last process that has it"


def test_a_process_whose_locks_are_gone_before_it_has_started_ends_without_a_word():
    script = (
        "from pipeline.running.processes import UnsignalledContext\n"
        "if __name__ == '__main__':\n"
        "    context = UnsignalledContext()\n"
        "    lock = context.RLock()\n"
        "    process = context.Process(target=print, args=(lock,))\n"
        "    process.start()\n"
        "    del lock\n"  # the only other reference went with the start: the semaphore is removed
        "    process.join()\n"
        "    print(process.exitcode)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("1\n", "")


COMMAND = """
from pipeline.running.processes import UnsignalledContext
{defines}
print("imported", flush=True)
if __name__ == "__main__":
    process = UnsignalledContext().Process(target=print, args=(1,))
    process.start()
    process.join()
    print(__spec__ is not None, flush=True)
"""


@pytest.mark.parametrize(
    ("defines", "expected"),
    [("", "imported 1 True"), ("def own(): ...", "imported imported 1 True")],
)
def test_a_main_module_is_imported_in_the_process_only_where_it_defines_something(tmp_path, defines, expected):
    (tmp_path / "command.py").write_text(COMMAND.format(defines=defines))
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-m", "command"], env=environment, capture_output=True, text=True, check=True
    )
    assert (done.stdout.split(), done.stderr) == (expected.split(), "")


def test_the_main_module_is_as_it_was_after_two_threads_have_hidden_it_at_once(monkeypatch):
    main = types.ModuleType("__main__")
    main.__file__, main.__spec__ = "main.py", importlib.machinery.ModuleSpec("main", None)
    before = dict(vars(main))
    monkeypatch.setitem(sys.modules, "__main__", main)
    first_is_in, second_is_in = threading.Event(), threading.Event()
    hidden_at_end = []

    def second():
        first_is_in.wait(10)
        with processes._main_not_imported():
            second_is_in.set()
            first.join(10)  # which restores what it has hidden meanwhile, where nothing keeps the two apart
            hidden_at_end.append("__file__" not in vars(main))

    def hide():
        with processes._main_not_imported():
            first_is_in.set()
            second_is_in.wait(1)

    first, other = threading.Thread(target=hide), threading.Thread(target=second)
    for thread in (first, other):
        thread.start()
    for thread in (first, other):
        thread.join(20)
    assert hidden_at_end == [True]
    assert vars(main) == before
