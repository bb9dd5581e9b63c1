import os
import threading
import time
from dataclasses import dataclass

import pytest
from fastapi import HTTPException

from pipeline.errors import DecodeError
from search.pages.media_workers import MediaWorkers


@dataclass(frozen=True)
class Job:
    """Says in which process it runs, or does not do well."""

    what: str = "ok"
    seconds: float = 0.0

    def __call__(self) -> int:
        if self.what == "fails":
            raise DecodeError("no video")
        if self.what == "dies":
            os._exit(3)
        time.sleep(self.seconds)
        return os.getpid()


@pytest.fixture
def workers():
    made = MediaWorkers(1, deadline_s=2.0, most_waiting=1)
    yield made
    made.stop()


def test_a_job_runs_in_another_process_which_is_kept(workers):
    first = workers.run(Job())
    assert first != os.getpid()
    assert workers.run(Job()) == first


def test_a_job_that_fails_hangs_or_kills_its_process_costs_only_itself(workers):
    with pytest.raises(DecodeError, match="no video"):
        workers.run(Job("fails"))
    with pytest.raises(DecodeError, match="crashed"):
        workers.run(Job("dies"))
    with pytest.raises(DecodeError, match="gave up after 2 s"):
        workers.run(Job(seconds=60.0))
    assert workers.run(Job()) != os.getpid()


def test_who_finds_a_queue_is_told_to_come_again(workers):
    workers.run(Job())  # started
    busy = [threading.Thread(target=workers.run, args=(Job(seconds=1.0),)) for _ in range(2)]
    for one in busy:
        one.start()
    time.sleep(0.3)
    with pytest.raises(HTTPException) as refused:
        workers.run(Job())
    assert (refused.value.status_code, refused.value.headers) == (503, {"Retry-After": "2"})
    for one in busy:
        one.join()
    assert workers.run(Job())


def test_after_a_stop_they_start_again(workers):
    before = workers.run(Job())
    workers.stop()
    assert workers.run(Job()) != before
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
