import os
import signal
import subprocess
import sys

import pytest

from pipeline.running import stopping
from tests.conftest import ROOT

START = """
import atexit, os, signal, sys, threading, time
from pipeline.running import stopping

stopping.install()

def send(number, delay_s=0.0):
    threading.Timer(delay_s, os.kill, (os.getpid(), number)).start()
"""


def run(script, **more):
    """(exit code, output, errors) of a program that handles stop signals."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-c", START + script]
    done = subprocess.run(program, capture_output=True, text=True, env=environment, timeout=60, check=False, **more)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_runs_with_one_line_and_the_exit_code_of_the_shells(number):
    script = (
        f"atexit.register(print, 'cleaned up')\ntry:\n  send({int(number)}); time.sleep(50)\nfinally: print('left')"
    )
    assert run(script) == (128 + number, "left\ncleaned up\n", stopping.MESSAGE + "\n")


def test_a_signal_waits_for_the_end_of_what_defers_it_even_of_one_that_fails():
    script = """
with stopping.deferred() as stop:
    send(signal.SIGTERM)
    while not stop():
        time.sleep(0.01)
    print("put away")
    raise ValueError("a bug")
"""
    assert run(script) == (143, "put away\n", stopping.MESSAGE + "\n")


def test_without_a_signal_nothing_is_raised():
    assert run("with stopping.deferred() as stop: print(stop())\nprint('on')") == (0, "False\non\n", "")


def test_the_same_signal_twice_in_a_moment_is_one_signal_and_a_later_one_ends_at_once():
    script = """
with stopping.deferred() as stop:
    send(signal.SIGTERM), send(signal.SIGTERM, 0.1)
    time.sleep(0.5)
    print("still here", flush=True)
    send(signal.SIGINT, stopping.REPEAT_S)
    time.sleep(50)
"""
    assert run(script) == (143, "still here\n", "")


def test_at_once_means_that_children_are_killed_and_no_semaphore_is_left():
    script = """
from pipeline.running.processes import UnsignalledContext
context = UnsignalledContext()
process = context.Process(target=time.sleep, args=(300,), daemon=True)
lock = context.Lock()
process.start()
stopping.end_at_once()
"""
    assert run(script) == (130, "", ""), "the output ends with the last process that has it"


def test_what_swallows_the_interruption_is_ended_when_patience_is_over():
    script = """
stopping.PATIENCE_S = 0.3
try:
    send(signal.SIGTERM)
    time.sleep(50)
except KeyboardInterrupt:
    print("never mind", flush=True)
time.sleep(50)
"""
    assert run(script) == (143, "never mind\n", "")


LOSES = """
class Resource:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
"""
"""A signal arrives while an object is being deleted, as Python does at any moment."""


def test_an_interruption_that_a_finalizer_has_lost_is_raised_again_without_a_word_of_the_first_one():
    script = LOSES + "try:\n  Resource(); print('on', flush=True); time.sleep(50)\nfinally: print('left')"
    assert run(script) == (143, "on\nleft\n", stopping.MESSAGE + "\n")


def test_a_lost_interruption_waits_for_the_end_of_what_defers_it_meanwhile():
    script = (
        LOSES
        + """
Resource()
with stopping.deferred():
    time.sleep(5 * stopping.AGAIN_S)
    print("put away")
print("never here")
"""
    )
    assert run(script) == (143, "put away\n", stopping.MESSAGE + "\n")


def test_another_error_of_a_finalizer_is_told_as_ever():
    code, output, errors = run("class Bad:\n  def __del__(self): raise ValueError('a bug')\nBad(); print('on')")
    assert (code, output) == (0, "on\n")
    assert errors.startswith("Exception ignored in") and "ValueError: a bug" in errors


def test_a_signal_that_is_ignored_from_the_start_stays_so():
    script = "os.kill(os.getpid(), signal.SIGINT); time.sleep(0.1); print('on')"
    ignored = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    assert run(script, **ignored) == (0, "on\n", "")


def test_an_error_is_told_as_ever():
    code, _, errors = run("raise ValueError('a bug')")
    assert code == 1
    assert errors.startswith("Traceback")


def test_an_import_in_another_thread_changes_no_handler():
    before = signal.getsignal(signal.SIGTERM), sys.excepthook
    import threading

    thread = threading.Thread(target=stopping.install)
    thread.start()
    thread.join()
    assert (signal.getsignal(signal.SIGTERM), sys.excepthook) == before


def test_the_private_function_of_multiprocessing_that_deletes_semaphores_is_there():
    from multiprocessing import util

    assert callable(util._run_finalizers), "used by stopping._release_semaphores"
