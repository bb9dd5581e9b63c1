import os
import signal
import time
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import av
import pytest

from pipeline.errors import PipelineError
from pipeline.running import worker_pool
from pipeline.running.worker_pool import Failure, KeptWorkers, num_workers, run_jobs
from tests.pipeline.running.worker_jobs import FOREVER_S, ExitOnUnpickling, PidJob, pid_of, run_job


def run(*jobs, workers=1, deadline_s=FOREVER_S, **more):
    return list(run_jobs(run_job, jobs, workers, deadline_s, **more))


def test_results_come_in_the_order_of_the_jobs_whichever_is_ready_first():
    jobs = [("sleep", 0.4), ("return", 0), ("return", ""), ("sleep", 0.2), ("return", [1, 2])]
    done = run(*jobs, workers=2)
    assert [item.job for item in done] == jobs
    assert [item.result for item in done] == [0.4, 0, "", 0.2, [1, 2]]
    assert all(item.failure is None for item in done)


def test_no_jobs_give_no_results():
    assert run() == []


def test_one_job_more_or_less_than_the_workers_is_no_matter():
    for count in (1, 2, 3):
        assert [item.result for item in run(*[("return", n) for n in range(count)], workers=2)] == list(range(count))


def test_only_a_few_jobs_are_taken_ahead_of_the_reader():
    taken = []

    def jobs():
        for number in range(30):
            taken.append(number)
            yield "return", number

    workers = 2
    for read, done in enumerate(run_jobs(run_job, jobs(), workers, FOREVER_S), 1):
        assert done.result == read - 1
        time.sleep(0.01)
        assert len(taken) <= read + 2 * workers
    assert len(taken) == 30


def test_jobs_in_order_are_done_by_one_worker_beside_the_others():
    jobs = [PidJob(number, in_order=number % 3 > 0) for number in range(18)]
    done = list(run_jobs(pid_of, jobs, 2, FOREVER_S))
    assert [item.job for item in done] == jobs
    pids = {in_order: {item.result for item in done if item.job.in_order == in_order} for in_order in (True, False)}
    assert len(pids[True]) == 1
    assert not pids[True] & pids[False]


def pids_of(workers):
    return {item.result for item in run(*[("pid", None)] * 4, workers=workers)}


def test_kept_workers_do_the_jobs_of_the_next_call_too():
    kept = KeptWorkers(1)
    first = pids_of(kept)
    assert pids_of(kept) == first
    assert pids_of(1) != first, "others end with the last job"
    kept.stop()
    assert pids_of(kept) != first, "and after a stop there are new ones"
    kept.stop()


def test_kept_workers_in_the_middle_of_a_job_are_not_given_to_the_next_call():
    kept = KeptWorkers(1)
    (first,) = pids_of(kept)
    jobs = run_jobs(run_job, [("return", 1), ("sleep", FOREVER_S)], kept, FOREVER_S)
    assert next(jobs).result == 1
    jobs.close()
    (second,) = pids_of(kept)
    assert second != first
    kept.stop()


def test_jobs_that_hang_die_or_fail_cost_only_themselves():
    done = run(
        ("return", 1),
        ("hang", FOREVER_S),
        ("return", 2),
        ("exit", 3),
        ("return", 3),
        ("kill", signal.SIGKILL),
        ("fail", "clip.mp4: the file is empty"),
        ("kill", signal.SIGSEGV),
        ("return", 4),
        workers=2,
        deadline_s=2,
    )
    assert [item.result for item in done] == [1, None, 2, None, 3, None, None, None, 4]
    assert [item.failure for item in done] == [
        None,
        Failure("gave up after 2 s", died=True),
        None,
        Failure("the decoder crashed (exit code 3)", died=True),
        None,
        Failure("the decoder crashed (exit code -9)", died=True),
        Failure("clip.mp4: the file is empty", died=False),
        Failure("the decoder crashed (exit code -11)", died=True),
        None,
    ]


def test_a_job_that_spins_is_ended_at_its_deadline():
    begun = time.monotonic()
    done = run(("spin", FOREVER_S), ("return", 1), deadline_s=1)
    assert [item.result for item in done] == [None, 1]
    assert time.monotonic() - begun < 15


def test_the_deadline_is_for_each_job_not_for_its_wait():
    done = run(*[("sleep", 0.4)] * 6, deadline_s=1.5)
    assert [item.failure for item in done] == [None] * 6


def test_a_second_try_is_made_once_and_only_when_the_worker_was_lost():
    asked = []

    def again(job):
        asked.append(job)
        return {"exit": ("return", "second"), "kill": ("exit", 4), "sleep": None}[job[0]]

    done = run(
        ("exit", 3),
        ("return", 1),
        ("kill", 9),
        ("sleep", FOREVER_S),
        ("fail", "x"),
        ("return", 2),
        deadline_s=1,
        again=again,
    )
    assert asked == [("exit", 3), ("kill", 9), ("sleep", FOREVER_S)]
    assert [item.result for item in done] == ["second", 1, None, None, None, 2]
    assert done[0].failure is None
    assert done[0].job == ("return", "second")
    assert done[2].failure == Failure("the decoder crashed (exit code 4)", died=True)
    assert done[4].failure == Failure("x", died=False)


def test_a_fault_of_the_program_is_raised():
    with pytest.raises(ValueError, match="a bug"):
        run(("return", 1), ("fault", "a bug"), ("return", 2))


def test_an_error_of_ffmpeg_survives_the_way_home(tmp_path):
    (tmp_path / "x.mp4").write_text("no video")
    with pytest.raises(av.error.InvalidDataError):
        run(("not a media file", str(tmp_path / "x.mp4")), deadline_s=20)


def test_a_result_that_cannot_be_sent_costs_only_its_job():
    done = run(("cannot be sent", 1), ("return", 2), deadline_s=20)
    assert [item.result for item in done] == [None, 2]
    assert done[0].failure.died


def test_a_job_that_cannot_be_sent_is_an_error_not_a_hang():
    with pytest.raises(Exception, match=r"(?i)pickle|local object"):
        run(("return", lambda: 0), deadline_s=20)


def test_large_results_arrive_whole():
    done = run(*[("bytes", 40)] * 3)
    assert [len(item.result) for item in done] == [40 * 2**20] * 3


def test_workers_compute_with_one_thread_each_and_leave_ctrl_c_to_the_parent(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    done = run(("environment", "OMP_NUM_THREADS"), ("environment", "OPENBLAS_NUM_THREADS"), ("ignores ctrl-c", None))
    assert [item.result for item in done] == ["1", "1", True]
    assert "OMP_NUM_THREADS" not in os.environ


@pytest.mark.parametrize("how", ["closed", "an error in the reader"])
def test_no_worker_outlives_a_reader_that_stops(tmp_path, how):
    log = tmp_path / "pids"
    results = run_jobs(run_job, [("return", 0), *[("write and sleep", str(log))] * 4], 2, FOREVER_S)
    assert next(results).result == 0
    until = time.monotonic() + 20
    while not log.exists() and time.monotonic() < until:
        time.sleep(0.05)
    if how == "closed":
        results.close()
    else:
        with pytest.raises(RuntimeError, match="full disk"):
            results.throw(RuntimeError("full disk"))
    pids = [int(line) for line in log.read_text().split()]
    assert pids
    while any(is_running(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(is_running(pid) for pid in pids)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_workers_that_are_killed_while_they_wait_are_replaced():
    """As a system that is short of memory does, and not only with those that are at work."""
    results = run_jobs(run_job, [("pid", None)] * 10, 2, FOREVER_S)
    killed = set()
    for _ in range(2):
        killed.add(next(results).result)
        time.sleep(0.5)  # all jobs ahead of the reader are done
        for pid in killed:
            if is_running(pid):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.5)
    done = list(results)
    assert len(done) == 8
    assert all(item.failure is None for item in done)
    assert done[-1].result not in killed


def test_workers_that_do_not_even_start_are_an_error_not_a_hang(monkeypatch):
    monkeypatch.setattr(worker_pool, "_initialize_worker", ExitOnUnpickling())
    with pytest.raises((BrokenProcessPool, RuntimeError)):
        run(("return", 1), deadline_s=5)


def test_a_job_that_a_breaking_pool_forgot_is_given_to_another(monkeypatch):
    """As happens when the pool breaks in the moment in which the job reaches it: nobody ever ends its future."""
    schedule, forgotten = worker_pool.ProcessPool.schedule, []

    def forget_once(pool, *rest, **more):
        if not forgotten:
            forgotten.append(Future())
            pool.stop()
            return forgotten[0]
        return schedule(pool, *rest, **more)

    monkeypatch.setattr(worker_pool.ProcessPool, "schedule", forget_once)
    monkeypatch.setattr(worker_pool, "POLL_INTERVAL_S", 0.05)
    assert [done.result for done in run(("return", 1), ("return", 2))] == [1, 2]
    assert not forgotten[0].done()


def test_an_error_of_the_jobs_themselves_is_raised():
    def jobs():
        yield "return", 1
        raise PipelineError("the manifest is gone")

    with pytest.raises(PipelineError, match="the manifest is gone"):
        list(run_jobs(run_job, jobs(), 1, FOREVER_S))


def test_the_number_of_workers_is_that_of_the_setting_or_one_a_core():
    assert num_workers(3) == 3
    assert num_workers(0) == len(os.sched_getaffinity(0))
