import os
import signal
import time

import pytest

from pipeline.running import handed_on
from pipeline.running.worker_pool import KeptWorkers, run_jobs
from tests.pipeline.running.worker_jobs import FOREVER_S, pid_of, run_job


@pytest.fixture(autouse=True)
def nobody_waits():
    yield
    handed_on.end()
    assert not handed_on._waiting


def pids(workers, function=run_job):
    job = ("pid", None)
    return {done.result for done in run_jobs(function, [job] * 4, workers, FOREVER_S)}


def given(number=1):
    """The processes of workers that were handed on."""
    workers = KeptWorkers(number)
    found = pids(workers)
    handed_on.hand_on(workers)
    return found


def has_ended(pid, within_s=10):
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_as_many_workers_are_those_that_were_handed_on_and_do_jobs_of_another_function():
    before = given()
    workers = handed_on.taken(1)
    assert pids(workers, pid_of) == before
    workers.stop()
    assert all(map(has_ended, before))


def test_they_are_taken_once():
    (before,) = given()
    first, second = handed_on.taken(1), handed_on.taken(1)
    assert pids(second) != {before}
    assert pids(first) == {before}
    first.stop()
    second.stop()


def test_of_another_number_there_are_new_ones_and_the_others_end():
    (before,) = given(1)
    assert has_ended_after(before, lambda: handed_on.taken(2))


@pytest.mark.parametrize("change", ["variable", "folder"])
def test_none_that_began_in_other_surroundings_are_taken(monkeypatch, tmp_path, change):
    (before,) = given()
    if change == "variable":
        monkeypatch.setenv("EXPERT_RETRIEVAL_EXTRACTORS", str(tmp_path))
    else:
        monkeypatch.chdir(tmp_path)
    assert has_ended_after(before, lambda: handed_on.taken(1))


def has_ended_after(pid, step):
    assert not has_ended(pid, 0.2), "it waits"
    workers = step()
    try:
        return has_ended(pid) and not workers.have_begun
    finally:
        workers.stop()


def test_nobody_waits_for_ever(monkeypatch):
    monkeypatch.setattr(handed_on, "IDLE_S", 0.3)
    (before,) = given()
    assert has_ended(before)
    assert not handed_on.taken(1).have_begun


def test_those_that_are_taken_do_not_end_by_the_time_for_which_they_would_have_waited(monkeypatch):
    monkeypatch.setattr(handed_on, "IDLE_S", 0.3)
    before = given()
    workers = handed_on.taken(1)
    time.sleep(1)
    assert pids(workers) == before
    workers.stop()


def test_one_that_died_meanwhile_is_replaced():
    (before,) = given()
    workers = handed_on.taken(1)
    os.kill(before, signal.SIGKILL)
    assert has_ended(before)
    (after,) = pids(workers)
    assert isinstance(after, int)
    assert after != before
    workers.stop()


def test_the_next_ones_that_are_handed_on_end_those_that_wait():
    (first,), (second,) = given(), given()
    assert has_ended(first)
    assert not has_ended(second, 0.2)


def test_workers_that_have_done_nothing_are_not_kept():
    handed_on.hand_on(KeptWorkers(1))
    assert not handed_on._waiting
