"""Hosts that share nothing but a bucket: killed at random, with a server that is killed too, they lose no row."""

import random
import time

import pytest

from pipeline.remote.objects import Objects
from pipeline.stores import object_listing, parts, places, store
from tests.scale.test_claims import HOSTS, NAMES, SHARED, WORDS, end, kill
from tests.scale.test_objects import address, host, server
from tests.tasks.project import Project, forget_everything

__all__ = ["address", "server"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

NUM_VIDEOS = 30
KILLS = 6
DOWN_S = 6.0
PATIENCE_S = 600.0


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """Some videos in chunks of two, and what one machine extracts from them."""
    project = Project(tmp_path_factory.mktemp("local") / "project").make()
    for number in range(len(project.rows), NUM_VIDEOS):
        project.add_video(f"v{number:02}.mp4", number, "train")
    project.write_captions()
    code, output, errors = project.run_command(*WORDS)
    assert code == 0, output + errors
    return project


def rows_in(folder):
    """(expert, key) -> all bytes of a good row of a store."""
    forget_everything()
    object_listing.listing_of.cache_clear()
    found = {}
    for name in NAMES:
        (experts,) = places.listed(folder / "features" / name).glob("*")
        for key, row in store.rows(places.listed(experts)).items():
            features = parts.read_features(experts, key)
            arrays = {"values": features.values, "times_s": features.times_s, **features.extras}
            found[name, key] = row, {kind: (str(array.dtype), array.tolist()) for kind, array in arrays.items()}
    return found


def num_parts(objects):
    return sum("part-" in found.key and found.key.endswith("zarr/zarr.json") for found in objects.found("features"))


def await_another_part(objects, hosts):
    """Waits until a host publishes one more part, or ends."""
    before, until_s = num_parts(objects), time.monotonic() + PATIENCE_S
    while num_parts(objects) <= before and all(one.poll() is None for one in hosts):
        assert time.monotonic() < until_s, "nothing is published"
        time.sleep(0.1)


def test_kills_of_hosts_and_of_the_server_cost_nothing_but_time(server, local, address, tmp_path):
    objects, draw = Objects(address), random.Random(15)
    projects = [host(local, tmp_path / f"host{number}", address) for number in range(HOSTS)]
    hosts = [project.start_command(*WORDS, *SHARED) for project in projects]
    num_kills, is_server_up_again = 0, False
    while num_kills < KILLS:
        await_another_part(objects, hosts)
        at = draw.randrange(HOSTS)
        if hosts[at].poll() is not None:
            break
        time.sleep(draw.uniform(0.0, 0.6))
        kill(hosts[at])
        num_kills += 1
        hosts[at] = projects[at].start_command(*WORDS, *SHARED)
        if num_kills == KILLS // 2:
            server.kill()
            time.sleep(DOWN_S)
            server.start()
            is_server_up_again = True
    for one in hosts:
        end(one)
    assert is_server_up_again, "the run was over before"
    there = rows_in(places.store_folder(address, projects[0].data))
    assert there == rows_in(local.data / "store")
    assert len(there) == len(NAMES) * NUM_VIDEOS
    left = [found.key for found in objects.found("claims") if "chunks" in found.key]
    # A host holds one chunk at a time: if it is killed, or finds no server, it leaves at most that claim.
    assert len(left) <= KILLS + HOSTS, "claims of finished chunks are gone"
