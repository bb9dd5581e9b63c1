import threading

import pytest

from extractors.captioning.parallel import in_parallel


def test_calls_wait_for_each_other_and_keep_their_order():
    together = threading.Barrier(3, timeout=10)
    assert in_parallel([lambda one=one: (together.wait(), one)[1] for one in "abc"], 20.0) == ["a", "b", "c"]


def test_a_call_that_is_late_has_no_result():
    never = threading.Event()
    try:
        assert in_parallel([lambda: "here", never.wait], 0.05) == ["here", None]
        assert all(thread.daemon for thread in threading.enumerate() if thread.name == "captions")
    finally:
        never.set()


def test_the_error_of_a_call_is_raised():
    def fail():
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        in_parallel([fail], 10.0)
    assert in_parallel([], 10.0) == []
