import luigi
import pytest
from luigi.cmdline import luigi_run

import tasks
from tasks.console.exit_status import MISTAKE
from tasks.console.help import our_tasks


@pytest.fixture
def help_of(capsys):
    """Runs `luigi --module tasks WORDS`; what it prints."""

    def ask(*words):
        with pytest.raises(SystemExit) as end:
            luigi_run(["--module", "tasks", *words])
        assert not end.value.code
        return capsys.readouterr().out

    return ask


@pytest.mark.parametrize("name", tasks.__all__)
def test_help_begins_with_what_the_task_does(help_of, name):
    usage, text = help_of(name, "--help").split("\n\n")[:2]
    assert usage == f"usage: luigi --module tasks {name} [options]"
    assert text.splitlines()[0] == getattr(tasks, name).__doc__.splitlines()[0]


def test_help_lists_each_option_once(help_of):
    text = help_of("EvaluateCE", "--help")
    for option in ("--dataset", "--model", "--experts", "--seeds", "--split", "--allow-partial"):
        assert text.count(f"  {option} ") + text.count(f"  {option}\n") == 1, option
    assert "--EvaluateCE-dataset" not in text
    assert "--EvaluateCE-dataset" in help_of("EvaluateCE", "--help-all")


def test_help_leaves_out_what_is_nobodys_to_type(help_of):
    text = help_of("ExtractExpert", "--help")
    assert "--expert" in text
    assert "--worker-run" not in text
    assert "--worker-run" in help_of("ExtractExpert", "--help-all")


def test_help_without_a_task_lists_all_tasks(help_of):
    lines = help_of("--help").splitlines()
    listed = [line.split()[0] for line in lines if line.split() and line.split()[0] in tasks.__all__]
    assert listed[:6] == ["MakeDemo", "BuildManifest", "ExtractExpert", "EncodeText", "TrainCE", "EvaluateCE"]
    assert sorted(listed) == tasks.__all__ == our_tasks()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--datset", "tiny"], "unrecognized arguments: --datset tiny (did you mean --dataset?); --help"),
        (["--dataset"], "argument --dataset: expected one argument; --help"),
        (["--dataset", "tiny", "more"], "unrecognized arguments: more; --help"),
        (["--zzz"], "unrecognized arguments: --zzz; --help"),
    ],
)
def test_a_mistyped_option_is_told_in_one_line_with_the_nearest(capsys, words, text):
    with pytest.raises(SystemExit) as end:
        luigi_run(["--module", "tasks", "EvaluateCE", *words])
    assert end.value.code == MISTAKE == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"ERROR: {text}")
    assert errors.count("\n") == 1


def test_every_task_is_listed_and_says_what_it_does():
    import tasks

    every = [getattr(tasks, name) for name in tasks.__all__]
    assert len(every) >= 9
    for task in every:
        assert issubclass(task, luigi.Task)
        assert len(task.__doc__) > 20
        for _, param in task.get_params():
            assert param.description or param.visibility != luigi.parameter.ParameterVisibility.PUBLIC, task
    assert tasks.__all__ == sorted(tasks.__all__)
