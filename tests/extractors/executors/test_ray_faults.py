import pytest

from extractors.executors.ray_cluster import Node
from extractors.executors.ray_faults import unfit_host, why_lost

exceptions = pytest.importorskip("ray.exceptions", reason="needs the package ray")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (exceptions.NodeDiedError("node 12ab died\nC++ stack trace"), "its host was lost"),
        (exceptions.WorkerCrashedError(), "its worker process ended unexpectedly"),
        (exceptions.OutOfMemoryError("killed\nto see more"), "the memory of the host ran out"),
        (exceptions.RaySystemError(ValueError("a\nb")), "RaySystemError: "),
    ],
)
def test_the_reason_of_a_lost_chunk_is_one_line(error, words):
    assert words in why_lost(error)
    assert "\n" not in why_lost(error)


def test_a_lost_host_is_named_by_the_id_in_the_error_where_the_cluster_knows_it():
    nodes = [Node("34cd", "host-1 (10.0.0.1)", True, {}), Node("12ab", "host-2 (10.0.0.2)", True, {})]
    lost = exceptions.NodeDiedError("Task failed because the node it was running on is dead. node ID: 12ab. This can")
    assert why_lost(lost, nodes) == "its host host-2 (10.0.0.2) was lost"
    assert why_lost(lost, nodes[:1]) == "its host was lost"


def test_a_host_without_the_program_is_told_by_its_address_and_the_last_line_of_the_traceback():
    cause = RuntimeError(
        "The remote function failed to import\n\nTraceback\nModuleNotFoundError: No module 'extractors'\n"
    )
    error = exceptions.RayTaskError("f", "Traceback ...", cause, ip="10.0.0.7")
    assert str(unfit_host(error)).startswith(
        "the host 10.0.0.7 cannot run the program: ModuleNotFoundError: No module 'extractors'; install this version"
    )
