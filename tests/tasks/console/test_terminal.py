import pytest

from tasks import EncodeText
from tasks.console import terminal


def test_brackets_in_a_table_are_kept(capsys):
    terminal.print_table("a [title]", ["name", "number"], [("[bold]x[/bold] [0]", "1"), ("a\\b", "2")])
    output = capsys.readouterr().out
    assert "[bold]x[/bold] [0]" in output
    assert "a\\b" in output


def test_a_bar_is_shown_only_for_work_that_is_there(capsys):
    with terminal.progress_bar("Extracting", "video"):
        pass
    assert capsys.readouterr().err == ""
    with terminal.progress_bar("Extracting", "video") as move:
        for done in (1, 2, 3):
            move(done, 3)
    assert "3/3" in capsys.readouterr().err


def test_a_bar_is_closed_by_an_error(capsys):
    with pytest.raises(ValueError, match="a bug"), terminal.progress_bar("Extracting", "video") as move:
        move(1, 3)
        raise ValueError("a bug")
    assert capsys.readouterr().err.endswith("\n")


@pytest.mark.parametrize("words", [("EvaluateCE", "--dataset", "tiny"), ("--help",), ("Status", "--dataset", "tiny")])
def test_a_reader_that_closes_the_pipe_early_ends_nothing_and_is_no_error(project, words):
    process = project.start_command(*words)
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=120), errors) == (0, "")


def test_work_goes_on_when_the_reader_of_its_progress_is_gone(project):
    project.edit("text", "words_hashed", params__longest=4)
    process = project.start_command("EncodeText", "--dataset", "tiny")
    process.stdout.close()
    process.stderr.close()
    assert process.wait(timeout=120) == 0
    assert project.run(EncodeText, dataset="tiny") == []
