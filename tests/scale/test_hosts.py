"""The whole chain typed on several hosts at once: each ends well, and what they share is made once."""

import shutil
import signal
import threading
import time

import pytest
import yaml

from extractors import registry
from pipeline.stores import store
from pipeline.stores.claims import Taken, claims_of
from pipeline.stores.fingerprint import fingerprint
from tests.clips import make_clip
from tests.crash.chain import COMMANDS, Chain
from tests.tasks.project import SPLITS, Project, forget_everything

SHARED = ("--Engine-name", "claims", "--Engine-expiry-s", "3")
PATIENCE_S = 600.0


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return Chain(tmp_path_factory.mktemp("hosts") / "project")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_hosts_that_begin_with_nothing_make_one_report_together(chain):
    chain.forget()
    hosts = [chain.project.start_command(*COMMANDS[0], *SHARED) for _ in range(3)]
    told = [host.communicate(timeout=PATIENCE_S) for host in hosts]
    assert [host.returncode for host in hosts] == [0, 0, 0], told
    errors = "".join(err for _, err in told)
    assert "Traceback" not in errors
    for once in ("Looking into the files: 14 of 14", "Encoding the captions: 14 of 14", "Training, seed 0: 2 of 2"):
        assert errors.count(once) == 1, errors
    assert all("tiny, test split: 3 captions, 3 videos" in out for out, _ in told)
    chain.run()
    assert chain.results() == chain.wanted


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_training_of_a_host_that_is_killed_is_taken_over(chain):
    project = chain.project
    for kind in ("runs", "reports"):
        shutil.rmtree(project.data / "store" / kind)
    project.edit("models", "tiny", training__epochs=400, runtime__checkpoint_s=0.0)
    where = claims_of(project.data / "store")
    hosts = [project.start_command("EvaluateCE", "--dataset", "tiny", *SHARED) for _ in range(2)]
    until_s, owner = time.monotonic() + PATIENCE_S, None
    while owner is None and time.monotonic() < until_s:
        training = [name for name in where.names("tasks") if name.startswith("tasks/runs-tiny-tiny")]
        pids = [
            Taken.read(found[0]).process.rpartition("_")[2] for name in training if (found := where.read_claim(name))
        ]
        owner = next((host for host in hosts if pids == [str(host.pid)]), None)
        assert any(host.poll() is None for host in hosts)
        time.sleep(0.02)
    owner.send_signal(signal.SIGKILL)
    (other,) = [host for host in hosts if host is not owner]
    output, errors = other.communicate(timeout=PATIENCE_S)
    owner.communicate()
    assert owner.returncode == -signal.SIGKILL
    assert other.returncode == 0, errors
    assert "tiny, test split" in output
    assert "400 of 400 epochs" in errors
    project.edit("models", "tiny", training__epochs=2)


@pytest.mark.slow
def test_a_host_with_another_config_is_refused_by_name(chain):
    project, name = chain.project, "rgb_light"
    shutil.rmtree(project.data / "store" / "features")
    expected = fingerprint(registry.expert(name, project.configs / "experts").recipe)
    configs = project.root / "other"
    shutil.copytree(project.configs, configs)
    content = yaml.safe_load((configs / "experts" / f"{name}.yaml").read_text())
    content["params"] = {**content.get("params", {}), "fps": 3.0}
    (configs / "experts" / f"{name}.yaml").write_text(yaml.safe_dump(content))
    where, is_over = claims_of(project.data / "store"), threading.Event()
    # Stands for a host that is at work.
    claim = f"tiny/expert-{name}"
    where.claim(claim, f'{{"fingerprint": "{expected}", "host": "the-first-host"}}')
    thread = threading.Thread(target=lambda: [where.renew(claim) for _ in iter(lambda: is_over.wait(0.1), True)])
    thread.start()
    try:
        words = ("ExtractExpert", "--dataset", "tiny", "--expert", name, *SHARED, "--Paths-configs", str(configs))
        code, _, errors = project.run_command(*words)
    finally:
        is_over.set()
        thread.join()
        where.release(claim)
    assert code != 0
    assert "Traceback" not in errors
    (line,) = [line for line in errors.splitlines() if "ERROR" in line]
    here = fingerprint(registry.expert(name, configs / "experts").recipe)
    for told in (name, expected, here, "the-first-host", "make them equal on all hosts"):
        assert told in line
    assert project.feature_parts(name) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_frees_the_chunk_for_the_others(chain, number):
    project = chain.project
    shutil.rmtree(project.data / "store" / "features", ignore_errors=True)
    where = claims_of(project.data / "store")
    host = project.start_command("ExtractExpert", "--dataset", "tiny", "--expert", "rgb_light", *SHARED)
    until_s = time.monotonic() + PATIENCE_S
    while not where.names("tiny/chunks") and host.poll() is None and time.monotonic() < until_s:
        time.sleep(0.01)
    host.send_signal(number)
    _, errors = host.communicate(timeout=PATIENCE_S)
    assert host.returncode == 128 + number, errors
    assert "Traceback" not in errors
    assert where.names("tiny/chunks") == []


DEADLY = """
import os, signal
from extractors import colour_shape
from extractors.colour_shape import Params


class Expert(colour_shape.Expert):
    def embed(self, items):
        if len(items) > 6 and "MENDED" not in os.environ:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().embed(items)
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_chunk_that_ends_its_process_each_time_is_named_and_all_else_is_done(tmp_path):
    project = Project(tmp_path / "project").make()
    make_clip(project.videos / "v05b.mp4", size=(96, 72), fps=4, seconds=6, sound=None)
    (project.root / "own").mkdir()
    (project.root / "own" / "deadly.py").write_text(DEADLY)
    project.edit("experts", "rgb_light", extractor="deadly")
    words = ("ExtractExpert", "--dataset", "tiny", "--expert", "rgb_light", *SHARED, "--Engine-tries", "2")
    own = {"EXPERT_RETRIEVAL_EXTRACTORS": str(project.root / "own")}
    hosts = [project.start_command(*words, env=own) for _ in range(3)]
    told = [host.communicate(timeout=PATIENCE_S) for host in hosts]
    codes = sorted(host.returncode for host in hosts)
    assert codes[:2] == [-signal.SIGKILL] * 2, told
    assert codes[2] > 0, told
    errors = next(err for host, (_, err) in zip(hosts, told, strict=True) if host.returncode > 0)
    (line,) = [line for line in errors.splitlines() if "ERROR" in line and "left alone" in line]
    assert "chunk 3 of tiny (2 videos, v05b.mp4 to v06.mp4)" in line
    assert "2 processes ended while they extracted it" in line
    assert "Traceback" not in errors
    forget_everything()
    (folder,) = {part.parent for part in project.feature_parts("rgb_light")}
    assert len(store.rows(folder)) == len(SPLITS) + 1 - 2, "all else is done"
    code, output, errors = project.run_command("ForgetFailures", "--dataset", "tiny", env=own)
    assert (code, "1 claimed chunks will be tried again" in output) == (0, True), errors
    code, _, errors = project.run_command(*words, env=own | {"MENDED": "1"})
    assert code == 0, errors
    forget_everything()
    assert len(store.rows(folder)) == len(SPLITS) + 1
