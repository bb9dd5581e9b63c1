"""Two commands at once on one store: neither takes from the other what it needs."""

import pytest

from tests.crash.chain import Chain

EVALUATE = ("EvaluateCE", "--dataset", "tiny")


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return Chain(tmp_path_factory.mktemp("beside") / "project")


def end(process) -> tuple[int, str]:
    _, errors = process.communicate(timeout=300)
    return process.returncode, errors


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_runs_at_once_end_with_the_bytes_of_one(chain):
    chain.forget()
    both = [chain.project.start_command(*EVALUATE) for _ in range(2)]
    for process in both:
        code, errors = end(process)
        assert code == 0, errors
    chain.run()
    assert chain.results() == chain.wanted


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_beside_collect_garbage_loses_nothing(chain):
    chain.forget()
    running = chain.project.start_command(*EVALUATE)
    num_collected = 0
    while running.poll() is None:
        code, _, errors = chain.project.run_command("CollectGarbage", "--delete")
        assert code == 0, errors
        num_collected += 1
    code, errors = end(running)
    assert code == 0, errors
    assert num_collected > 0
    chain.run()
    assert chain.results() == chain.wanted
