import pytest

from tasks.console import terminal


def test_brackets_in_a_table_are_kept(capsys):
    terminal.print_table("a [title]", ["name", "number"], [("[bold]x[/bold] [0]", "1"), ("a\\b", "2")])
    output = capsys.readouterr().out
    assert "[bold]x[/bold] [0]" in output
    assert "a\\b" in output


@pytest.mark.parametrize("words", [("EvaluateCE", "--dataset", "tiny"), ("--help",), ("Status", "--dataset", "tiny")])
def test_a_reader_that_closes_the_pipe_early_ends_nothing_and_is_no_error(project, words):
    process = project.start_command(*words)
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=120), errors) == (0, "")
