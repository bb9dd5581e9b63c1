import gc
import threading
import weakref

import pytest

from extractors.extraction.network_thread import NetworkThread, SideThreads


@pytest.fixture
def networks():
    thread = NetworkThread()
    yield thread
    thread.stop()


def test_jobs_are_done_one_after_another_in_their_order_beside_the_one_who_asks(networks):
    begun, go_on, done = threading.Event(), threading.Event(), []

    def wait():
        begun.set()
        go_on.wait(10)
        done.append(0)

    first = networks.submit(wait, "a")
    later = [networks.submit(lambda number=number: done.append(number) or number, "b") for number in (1, 2)]
    assert begun.wait(10)
    assert not first.done()
    go_on.set()
    assert [future.result(10) for future in later] == [1, 2]
    assert done == [0, 1, 2]


def test_an_error_is_that_of_its_job_and_the_next_one_is_done(networks):
    failed = networks.submit(lambda: 1 / 0, "a")
    assert networks.submit(lambda: 5, "b").result(10) == 5
    with pytest.raises(ZeroDivisionError):
        failed.result(10)


def test_a_stop_ends_the_thread_after_the_job_that_runs(networks):
    begun, go_on = threading.Event(), threading.Event()

    def job():
        begun.set()
        go_on.wait(10)
        return threading.current_thread()

    future = networks.submit(job, "a")
    dropped = networks.submit(lambda: 1, "b")
    assert begun.wait(10)
    assert networks.current == "a"
    networks.stop()
    go_on.set()
    thread = future.result(10)
    thread.join(10)
    assert not thread.is_alive()
    assert not dropped.done()
    assert thread.daemon, "else an interrupted run would end with its batch"


def test_nothing_of_a_job_is_kept_once_its_result_is_gone(networks):
    class Batch:
        pass

    batch = Batch()
    seen = weakref.ref(batch)
    networks.submit(lambda held=batch: held is not None, "a").result(10)
    del batch
    networks.submit(lambda: None, "a").result(10)
    gc.collect()
    assert seen() is None


def test_side_threads_do_so_many_jobs_at_once_in_their_order():
    threads, meeting, begun = SideThreads(3), threading.Barrier(3), []

    def meet(number):
        begun.append(number)
        meeting.wait(10)
        return number

    futures = [threads.submit(lambda number=number: meet(number), "a") for number in range(6)]
    assert [future.result(10) for future in futures] == list(range(6))
    assert set(begun[:3]) == {0, 1, 2}
    threads.stop()


def test_a_stop_ends_all_side_threads():
    threads, meeting = SideThreads(2), threading.Barrier(2)

    def met():
        meeting.wait(10)
        return threading.current_thread()

    both = [threads.submit(met, "a") for _ in range(2)]
    workers = [future.result(10) for future in both]
    assert len(set(workers)) == 2
    threads.stop()
    for worker in workers:
        worker.join(10)
        assert not worker.is_alive()
