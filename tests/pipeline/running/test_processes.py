import os
import signal
import threading

from pipeline.running.processes import UnsignalledContext


def send_whether_blocked(connection):
    """Target of a child process: sends whether SIGINT is blocked in it."""
    connection.send(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, set()))


def exit_code_after_sigint():
    """Exit code of a process that receives SIGINT while it starts, and then says that it blocks it."""
    context = UnsignalledContext()
    here, there = context.Pipe()
    process = context.Process(target=send_whether_blocked, args=(there,))
    process.start()
    os.kill(process.pid, signal.SIGINT)
    there.close()
    assert here.recv() is True
    process.join(10)
    return process.exitcode


def test_ctrl_c_does_not_end_a_process_even_while_it_starts():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, set())
    assert exit_code_after_sigint() == 0
    assert signal.pthread_sigmask(signal.SIG_BLOCK, set()) == before, "SIGINT is not blocked in this process"


def test_it_may_be_started_from_any_thread():
    """As a pool does when it replaces a worker."""
    exit_codes = []
    thread = threading.Thread(target=lambda: exit_codes.append(exit_code_after_sigint()))
    thread.start()
    thread.join(30)
    assert exit_codes == [0]
