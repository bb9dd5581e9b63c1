import luigi
import pytest

from pipeline.errors import ConfigError
from tasks import parameters
from tasks.parameters import split_parameter


class Joined(luigi.Task):
    """A task with both parameters."""

    name = parameters.joined_names("Names", default="")
    beside = parameters.hidden_joined_names()
    worker_run = parameters.run_id()


def test_names_are_joined_whatever_their_order_each_once_and_without_empty_ones():
    join = Joined.name._batch_method
    assert join(["b", "", "a", "b"]) == join(["a", "b"]) == "a,b"
    assert join(["", ""]) == ""
    assert join(["c,a", "b,a"]) == "a,b,c"


def test_what_is_told_beside_does_not_make_a_task_another():
    one, other = Joined(name="a", beside="b,c"), Joined(name="a")
    assert one == other
    assert one.task_id == other.task_id
    assert Joined.beside._batch_method(["c,b", "a"]) == "a,b,c"


def test_the_id_of_a_process_is_in_a_joined_task_only():
    assert Joined.worker_run._batch_method(["", ""]) == parameters.RUN_ID
    assert Joined(name="a").worker_run == ""
    assert "worker_run" not in Joined(name="a").task_id


def test_a_choice_that_there_is_not_is_told_with_the_nearest_and_all_others():
    assert split_parameter("x").parse("val") == "val"
    with pytest.raises(
        ConfigError, match=r"^--split vla: no such choice \(did you mean 'val'\? there are: test, train, val\)$"
    ):
        split_parameter("x").parse("vla")


def test_a_typed_path_is_relative_to_where_it_was_typed(tmp_path, monkeypatch):
    path = parameters.TypedPath()
    assert path.parse("a/b.csv") == "a/b.csv"
    monkeypatch.setattr(parameters, "_typed_in", None)
    monkeypatch.chdir(tmp_path)
    parameters.typed_in(tmp_path / "sub" / "folder")
    assert path.parse("a/b.csv") == "sub/folder/a/b.csv"
    assert path.parse("*.tar") == "sub/folder/*.tar"
    for unchanged in ("", "/a/b.csv", "https://x.org/a.tar.gz", "*.txt", "*.json"):
        assert path.parse(unchanged) == unchanged
