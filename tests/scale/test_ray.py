"""Two hosts with Ray and one shared folder: one has another config, one run is stopped, one host is killed.

Each host is a network namespace of its own. A third one is the head, which drives and extracts nothing.
"""

import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

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
    """The project, with `expected`: the features that one machine extracts."""
    made = Collection(tmp_path_factory.mktemp("scale") / "project").make()
    code, _, errors = made.run_locally()
    assert code == 0, errors
    made.expected = made.features()
    return made


@pytest.fixture
def project(collection):
    """The project without features."""
    collection.forget_features()
    return collection


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, collection):
    """The head, two hosts with a core each, and one that is not started yet."""
    with hosts(tmp_path_factory.mktemp("hosts"), 4) as (head, *others):
        start_ray(head, head, **collection.of_hosts)
        with ThreadPoolExecutor() as threads:
            list(threads.map(lambda host: start_ray(host, head, **collection.of_hosts), others[:2]))
        yield head, *others


def wait_until(holds: Callable[[], bool]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until_s
        time.sleep(0.1)


def start(project, head, **engine):
    return project.start_on(head, project.command(name="ray", address=address(head), **engine), **ENVIRONMENT)


def test_a_host_with_another_config_is_refused_by_name_and_what_it_was_to_do_is_not_done_otherwise(
    project, cluster, tmp_path
):
    head, *_, other = cluster
    changed = Collection(tmp_path / "project")
    shutil.copytree(project.configs, changed.configs)
    changed.edit("experts", "rgb_light", params__fps=1.0)
    other.bind(changed.configs, project.configs)
    start_ray(other, head, **project.of_hosts)
    process = start(project, head)
    output, errors = process.communicate(timeout=PATIENCE_S)
    other.kill()
    assert process.returncode == 2, errors
    (line,) = [line for line in errors.splitlines() if "expert rgb_light is" in line]
    assert line.startswith("ERROR")
    assert f" on {other.name}, " in line
    assert "Traceback" not in output + errors
    assert not project.differing(project.expected, may_lack=True)


def test_a_stopped_run_publishes_what_is_whole_and_the_same_command_goes_on(project, cluster):
    head, *others, _ = cluster
    process = start(project, head)
    wait_until(lambda: project.num_parts() >= 1 and all(host.is_extracting() for host in others))
    process.send_signal(signal.SIGTERM)  # SIGINT is ignored where the tests themselves run in the background
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 143, errors
    assert "goes on from what is done" in errors
    assert "Traceback" not in output + errors
    assert not project.leftovers()
    assert not project.differing(project.expected, may_lack=True)
    assert len(project.features()) < len(project.expected)
    process = start(project, head)
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    assert not project.differing(project.expected)
    assert not project.doubled()


def test_a_host_that_is_killed_in_mid_chunk_costs_a_line_and_no_row(project, cluster):
    head, killed, _, _ = cluster
    process = start(project, head)
    wait_until(lambda: project.num_parts() >= 2 and killed.is_extracting() and killed.is_stopped_in_mid_chunk())
    killed.kill()
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    # Where all rows of its chunk had just been published, none is done again, and the line is the cluster's.
    lines = ("its host {} was lost; it is done again", "{} is lost to the cluster; the other hosts go on")
    assert any(line.format(f"{killed.name} ({killed.address})") in output for line in lines), output
    assert "Traceback" not in output + errors
    assert not project.differing(project.expected)
    assert not project.doubled()
    assert set(Counter(project.loads()).values()) == {1}  # the host that was left did some ten chunks
    assert "Plasma memory usage 0 MiB, 0 objects" in object_store(head)
