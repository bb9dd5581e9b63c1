"""Hosts that share a store by claims, as processes: killed at random, they end with the bytes of one machine."""

import random
import shutil
import signal
import subprocess
import time

import pytest

from pipeline.stores import atomic, parts, store
from pipeline.stores.claims import FOLDER, Taken
from tests.tasks.project import Project, forget_everything

NAMES = ("rgb_light", "speech_light")
WORDS = ("ExtractExpert", "--dataset", "tiny", "--expert", ",".join(NAMES))
SHARED = (
    "--Extraction-videos-per-part",
    "1",
    "--Engine-name",
    "claims",
    "--Engine-expiry-s",
    "3",
    "--Engine-tries",
    "20",
)
NUM_VIDEOS = 48
HOSTS = 2
KILLS = 20
PATIENCE_S = 600.0


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Videos, which hosts take one by one so that a run outlasts the kills; and what one machine extracts from them."""
    project = Project(tmp_path_factory.mktemp("claims") / "project").make()
    for number in range(len(project.rows), NUM_VIDEOS):
        project.add_video(f"v{number:02}.mp4", number, "train")
    project.write_captions()
    code, output, errors = project.run_command(*WORDS)
    assert code == 0, output + errors
    project.wanted = rows_of(project)
    assert len(project.wanted) == len(NAMES) * NUM_VIDEOS
    return project


def rows_of(project):
    """(expert, key) -> all bytes of a row, for the rows of both experts."""
    forget_everything()
    found = {}
    for name in NAMES:
        (folder,) = {part.parent for part in project.feature_parts(name)}
        for key, row in store.rows(folder).items():
            features = parts.read_features(folder, key)
            arrays = {"values": features.values, "times_s": features.times_s, **features.extras}
            found[name, key] = row, {kind: (str(array.dtype), array.tolist()) for kind, array in arrays.items()}
    return found


def forget_features(project):
    shutil.rmtree(project.data / "store" / "features")


def held_by(project, pid):
    """The claims on chunks that a process holds."""
    held = []
    for path in (project.data / "store" / FOLDER / "tiny" / "chunks").glob("*"):
        try:
            held += [path] * (Taken.read(path.read_text()).process.rpartition("_")[2] == str(pid))
        except FileNotFoundError:
            continue
    return held


def is_of_the_dead(claim: str) -> bool:
    """Whether a claim's process has ended: one killed between the rows of a chunk and its claim leaves it."""
    return atomic.has_ended(Taken.read(claim).process)


def kill(process: subprocess.Popen) -> None:
    """SIGKILL to a host: its process, and its decode workers end with it."""
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)


def kill_in_mid_chunk(project, hosts, draw) -> subprocess.Popen | None:
    """Waits for a host to hold a chunk, then kills it at a random moment; it, or None where all have ended."""
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        running = [host for host in hosts if host.poll() is None]
        if not running:
            return None
        holding = [host for host in running if held_by(project, host.pid)]
        if holding:
            time.sleep(draw.uniform(0.0, 0.6))
            host = draw.choice(holding)
            if host.poll() is None:
                kill(host)
                return host
        time.sleep(0.02)
    pytest.fail("no host took a chunk")


def end(process: subprocess.Popen) -> None:
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_twenty_kills_cost_nothing_but_time(project):
    forget_features(project)
    draw = random.Random(15)
    hosts = [project.start_command(*WORDS, *SHARED) for _ in range(HOSTS)]
    num_kills = 0
    while num_kills < KILLS and (killed := kill_in_mid_chunk(project, hosts, draw)):
        num_kills += 1
        hosts[hosts.index(killed)] = project.start_command(*WORDS, *SHARED)
    for host in hosts:
        end(host)
    assert num_kills == KILLS, "the run was over before"
    assert rows_of(project) == project.wanted
    for name in NAMES:
        good = [row.key for part in project.feature_parts(name) for row in store.rows_of(part) if not row.failed]
        assert set(good) == {key for expert, key in project.wanted if expert == name}
    left = [path for path in (project.data / "store" / FOLDER).rglob("*") if path.is_file()]
    assert [path for path in left if not is_of_the_dead(path.read_text())] == [], "claims of finished chunks are gone"
