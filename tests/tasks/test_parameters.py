import luigi

from tasks import parameters


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
