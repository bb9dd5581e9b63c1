"""Two hosts with Ray and one shared folder: one is killed, one has another config, one run is stopped.

Each host is a network namespace of its own. The fourth namespace is the head, which drives and extracts nothing.
"""

import shutil
import time
from collections.abc import Callable

import pytest

from tests.scale import ray_hosts
from tests.scale.collection import Collection
from tests.scale.hosts import hosts
from tests.scale.ray_hosts import ENVIRONMENT, address, object_store, start_ray

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(ray_hosts.why_not()), reason=ray_hosts.why_not() or "it can"),
    pytest.mark.timeout(600),
]

PATIENCE_S = 240.0


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """The project, with features as one machine extracts them in `expected`, and none in its store."""
    made = Collection(tmp_path_factory.mktemp("scale") / "project").make()
    code, _, errors = made.run_locally()
    assert code == 0, errors
    made.expected = made.features()
    return made


@pytest.fixture
def empty(collection):
    """The project without features."""
    shutil.rmtree(collection.data / "store" / "features")
    return collection


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The head, and two hosts with a core each."""
    with hosts(tmp_path_factory.mktemp("hosts"), 3) as made:
        for host in made:
            start_ray(host, made[0])
        yield made


def wait_until(holds: Callable[[], bool]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until_s
        time.sleep(0.1)


def test_a_host_that_is_killed_in_mid_chunk_costs_a_line_and_no_row(empty, cluster):
    head, killed, _ = cluster
    process = empty.start_on(head, empty.command(name="ray", address=address(head)), **ENVIRONMENT)
    wait_until(lambda: empty.num_parts() >= 2 and killed.is_extracting())
    killed.kill()
    output, errors = process.communicate(timeout=PATIENCE_S)
    print(output, errors)
    assert process.returncode == 0, errors
    assert f"{killed.name} ({killed.address}) is lost" in output
    assert "Traceback" not in output + errors
    assert empty.features() == empty.expected
    assert not empty.doubled()
    print(empty.leftovers())
    print(object_store(head))
