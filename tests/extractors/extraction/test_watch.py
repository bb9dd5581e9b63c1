import threading
from concurrent.futures import Future

import pytest

from extractors.extraction import watch as module
from extractors.extraction.watch import DECODING, StopRequestedError, Throttled, Watch


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until `clock[0]` is changed."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_progress_adds_up_the_seconds_and_names_what_is_waited_for_longest(clock):
    told = []
    watch = Watch(lambda *at: told.append(at))
    watch.advance(32.0)
    for stage, times in ((DECODING, 2), ("the networks of a", 5)):
        for _ in range(times):
            clock[0] += 0.25
            watch.waits_for(stage)
    watch.advance(8.0)
    assert (told[0], told[1], told[-1]) == ((32.0, ""), (32.0, DECODING), (40.0, "the networks of a"))


def test_an_old_wait_is_forgotten(clock):
    told = []
    watch = Watch(lambda *at: told.append(at[1]))
    for stage, times in (("long ago", 1000), ("now", 40)):
        for _ in range(times):
            clock[0] += 0.25
            watch.waits_for(stage)
    assert told[-1] == "now"


def test_a_stop_is_raised_wherever_it_is_noticed():
    stops = []
    watch = Watch(stop=lambda: bool(stops))
    watch.advance(1.0)
    stops.append(True)
    for call in (lambda: watch.advance(1.0), lambda: watch.waits_for(""), watch.check):
        with pytest.raises(StopRequestedError):
            call()


def test_the_result_of_a_future_is_awaited_until_it_comes_or_the_pass_shall_stop():
    stops, future = [], Future()
    watch = Watch(stop=lambda: bool(stops))
    threading.Timer(0.1, future.set_result, (5,)).start()
    assert watch.result(future, lambda: "a") == 5
    stops.append(True)
    assert watch.result(future, lambda: "a") == 5, "it is there"
    with pytest.raises(StopRequestedError):
        watch.result(Future(), lambda: "a")


def test_calls_are_passed_on_once_an_interval_and_the_last_one_in_the_end(clock):
    clock[0] = 100.0
    told = []
    throttled = Throttled(lambda *at: told.append(at[0]), 0.5)
    for number in range(10):
        throttled(float(number), "")
        clock[0] += 0.2
    throttled.flush()
    assert told == [0.0, 3.0, 6.0, 9.0, 9.0]
