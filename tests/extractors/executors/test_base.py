import pytest

from extractors.executors.base import EngineOptions, RunOptions, load_executor
from pipeline.errors import ConfigError


def test_an_engine_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(ConfigError, match=r"^\[Engine\] name = slurm: no such engine; there are local, claims"):
        load_executor(EngineOptions(name="slurm"), RunOptions(("cpu",), ()))


@pytest.mark.parametrize("name", ["local", "claims"])
def test_without_jobs_there_are_no_outcomes(name):
    executor = load_executor(EngineOptions(name=name), RunOptions(("cpu",), ()))
    assert list(executor.outcomes([], lambda: False)) == []


@pytest.mark.parametrize("wrong", [{"expiry_s": 0.0}, {"expiry_s": float("nan")}, {"expiry_s": -1.0}, {"tries": 0}])
def test_settings_by_which_no_claim_could_hold_are_refused_in_one_line(wrong):
    with pytest.raises(ConfigError, match=rf"^\[Engine\] {next(iter(wrong))} = .*: expected "):
        EngineOptions(**wrong)
