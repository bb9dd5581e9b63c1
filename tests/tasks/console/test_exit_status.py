from contextlib import nullcontext

import luigi
import pytest
from luigi.parameter import MissingParameterException

from pipeline.errors import AnnotationError, ConfigError, ExtractionError
from tasks.console import exit_status
from tasks.console.exit_status import MISTAKE, is_mistake


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConfigError("x"), True),
        (AnnotationError("x"), True),
        (MissingParameterException("x"), True),
        (ExtractionError("x"), False),
        (ValueError("a bug"), False),
        (ExceptionGroup("x", [ConfigError("x"), AnnotationError("x")]), True),
        (ExceptionGroup("x", [ConfigError("x"), ExtractionError("x")]), False),
    ],
)
def test_a_mistake_is_told_from_what_else_can_fail(error, expected):
    assert is_mistake(error) is expected


class Failing(luigi.Task):
    """A task that fails."""

    task_namespace = "exit_status"
    error = ConfigError("a mistake")

    where = luigi.Parameter()

    def fail(self, where):
        if self.where == where:
            raise self.error
        return False

    def complete(self):
        return self.fail("complete")

    def requires(self):
        return self.fail("requires") or ()

    def run(self):
        self.fail("run")


@pytest.mark.parametrize("where", ["complete", "requires", "run"])
@pytest.mark.parametrize(("error", "code"), [(ConfigError("a mistake"), MISTAKE), (ExtractionError("broken"), None)])
def test_a_run_that_only_mistakes_stopped_ends_with_their_number(project, monkeypatch, where, error, code):
    monkeypatch.setattr(Failing, "error", error)
    run = exit_status._judged(lambda: luigi.build([Failing(where=where)], local_scheduler=True, no_lock=True))
    with project.process(), nullcontext() if code is None else pytest.raises(SystemExit) as end:
        run()
    assert code is None or end.value.code == code


def test_a_task_that_did_what_it_should_can_ask_for_a_status():
    def found_something():
        exit_status.end_with(1)

    with pytest.raises(SystemExit) as end:
        exit_status._judged(found_something)()
    assert end.value.code == 1
    exit_status._judged(lambda: None)()


def test_an_error_that_is_no_mistake_is_luigis_to_tell():
    def broken():
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        exit_status._judged(broken)()


def test_a_parameter_that_is_missing_is_named_with_what_could_be_typed(project):
    with project.process():
        error = MissingParameterException("EvaluateCE[args=(), kwargs={}]: requires the 'dataset' parameter to be set")
        assert exit_status.mistake_message(error) == "EvaluateCE needs --dataset; there are: tiny"
        error = MissingParameterException("Search[args=(), kwargs={}]: requires the 'query' parameter to be set")
        assert exit_status.mistake_message(error) == "Search needs --query"
