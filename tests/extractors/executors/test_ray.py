import itertools
from pathlib import Path

import pytest

from extractors.executors import ray as module
from extractors.executors import ray_driver
from extractors.executors.base import EngineOptions, RunOptions, load_executor
from extractors.extraction.job import ChunkJob, Folders
from pipeline.errors import ConfigError, ExtractionError
from pipeline.weights.files import WeightOptions
from tests.extractors.executors import fake_driver
from tests.extractors.run_experts import OPTIONS

NOWHERE = Folders(Path("nowhere"), Path("nowhere"), Path("nowhere"))


def job(number):
    return ChunkJob(number, "digest", "some", (), {}, {}, NOWHERE, WeightOptions(), OPTIONS)


@pytest.fixture
def outcomes(monkeypatch, tmp_path):
    """The outcomes of an executor whose driver is another; what it says is kept in the list `said`."""

    def run(main, jobs, stop=lambda: False, said=None, address=""):
        monkeypatch.setattr(ray_driver, "main", main)
        monkeypatch.setattr(module, "TEMPORARY", str(tmp_path))
        options = RunOptions(("cpu",), (), say=(said if said is not None else []).append)
        yield from load_executor(EngineOptions("ray", address), options).outcomes(jobs, stop)
        assert not list(tmp_path.iterdir())

    return run


def test_each_job_has_an_outcome_and_what_the_driver_says_is_said(outcomes):
    said = []
    assert [one.number for one in outcomes(fake_driver.faithful, map(job, range(5)), said=said)] == [0, 1, 2, 3, 4]
    assert said == ["hello"]


def test_jobs_are_taken_only_when_the_driver_has_room_for_them(outcomes):
    endless = map(job, itertools.count())
    results = outcomes(fake_driver.faithful, endless)
    assert [next(results).number for _ in range(3)] == [0, 1, 2]
    results.close()
    assert next(endless).number <= 4


def test_an_error_of_the_driver_is_that_of_the_run(outcomes):
    with pytest.raises(ConfigError, match=r"^host-2 has another config$"):
        list(outcomes(fake_driver.refusing, [job(0)]))


def test_a_driver_that_is_killed_is_told_in_one_line(outcomes):
    with pytest.raises(ExtractionError, match="the Ray of this machine is lost") as caught:
        list(outcomes(fake_driver.killed, [job(0)]))
    assert "\n" not in str(caught.value)


def test_a_cluster_that_does_not_answer_is_not_waited_for_for_ever(outcomes, monkeypatch):
    monkeypatch.setattr(module, "CONNECT_S", {True: 0.5})
    with pytest.raises(ExtractionError, match=r"has not answered for 0\.5 s"):
        list(outcomes(fake_driver.silent, [job(0)]))


def test_a_stop_while_it_connects_ends_the_run_without_an_outcome(outcomes):
    assert list(outcomes(fake_driver.silent, [job(0)], stop=lambda: True)) == []


def test_after_a_stop_the_chunk_in_hand_is_waited_for_and_no_other_is_begun(outcomes):
    jobs = map(job, range(5))
    taken = []

    def noted():
        for one in jobs:
            taken.append(one.number)
            yield one

    results = list(outcomes(fake_driver.stopped, noted(), stop=lambda: bool(taken)))
    assert [one.number for one in results] == taken == [0]


def test_a_driver_that_does_not_stop_is_ended(outcomes, monkeypatch):
    monkeypatch.setattr(module, "STOP_TIMEOUT_S", 0.3)
    monkeypatch.setattr(module, "END_S", 0.3)
    taken = []

    def noted():
        taken.append(0)
        yield job(0)

    assert list(outcomes(fake_driver.deaf, noted(), stop=lambda: bool(taken))) == []


def test_an_address_of_another_form_starts_no_process(outcomes):
    with pytest.raises(ConfigError, match="expected auto, HOST:PORT"):
        list(outcomes(fake_driver.silent, [job(0)], address="ray://head"))
