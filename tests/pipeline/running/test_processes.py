import os
import signal
import threading

from pipeline.running.processes import DeafContext


def answer(connection):
    """What a process sends when it has come so far: whether Ctrl-C is kept from it."""
    connection.send(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, set()))


def started():
    """A process that was sent Ctrl-C at once, and where it will answer."""
    context = DeafContext()
    here, there = context.Pipe()
    process = context.Process(target=answer, args=(there,))
    process.start()
    os.kill(process.pid, signal.SIGINT)
    there.close()
    return process, here


def told(process, here):
    assert here.recv() is True
    process.join(10)
    return process.exitcode


def test_ctrl_c_does_not_end_a_process_even_while_it_starts():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, set())
    assert told(*started()) == 0
    assert signal.pthread_sigmask(signal.SIG_BLOCK, set()) == before, "this process hears it as before"


def test_it_may_be_started_from_any_thread():
    """As a pool does that replaces a worker."""
    found = []
    thread = threading.Thread(target=lambda: found.append(told(*started())))
    thread.start()
    thread.join(30)
    assert found == [0]
