from collections import deque

import pytest

from extractors.executors import ray_driver as module
from extractors.executors.base import EngineOptions, Outcome
from extractors.executors.device_process import REQUEST, STOP
from extractors.executors.ray_driver import MAX_ATTEMPTS, Driver, Note, State
from pipeline.errors import ConfigError, ExtractionError
from tests.extractors.executors.test_ray import job

exceptions = pytest.importorskip("ray.exceptions", reason="needs the package ray")


class Parent:
    """The other end of the driver's connection, which has `count` jobs."""

    def __init__(self, count):
        self.left = deque(range(count))
        self.answers = deque()
        self.sent = []

    def send(self, message):
        if message == REQUEST:
            self.answers.append(job(self.left.popleft()) if self.left else None)
        elif not isinstance(message, State):
            self.sent.append(message)

    def recv(self):
        return self.answers.popleft()

    def poll(self):
        return bool(self.answers)

    @property
    def done(self):
        return [one.number for one in self.sent if isinstance(one, Outcome) and not one.errors]

    @property
    def notes(self):
        return [one.line for one in self.sent if isinstance(one, Note)]


class Cluster:
    """In place of the module ray: two hosts of one core, and tasks that end as `results` says, else well."""

    def __init__(self, results=None, **resources):
        self.results = {number: deque(ends) for number, ends in (results or {}).items()}
        self.alive = {"host-1": True, "host-2": True}
        self.resources = resources or {"CPU": 1}
        self.submitted = []
        self.attempts = []
        self.most = 0
        self.cancelled = []
        self.options = {}

    def nodes(self):
        return [
            {
                "NodeID": name,
                "NodeManagerHostname": name,
                "NodeManagerAddress": "10.0.0.1",
                "Alive": alive,
                "Resources": self.resources,
            }
            for name, alive in self.alive.items()
        ]

    def remote(self, **options):
        self.options = options
        return lambda function: Task(self)

    def submit(self, one, attempt):
        self.submitted.append(one.number)
        self.attempts.append((one.number, attempt))
        self.most = max(self.most, len(self.submitted))
        return one.number

    def wait(self, refs, timeout):
        return refs[:1], refs[1:]

    def get(self, ref):
        self.submitted.remove(ref)
        if ref in self.cancelled:
            raise exceptions.TaskCancelledError
        ends = self.results.get(ref)
        end = ends.popleft() if ends else Outcome(ref)
        if isinstance(end, exceptions.RayError):
            raise end
        return end

    def cancel(self, ref, recursive):
        self.cancelled.append(ref)


class Task:
    """A remote function of the cluster."""

    def __init__(self, cluster):
        self.remote = cluster.submit


def drive(cluster, count, parent=None, **engine):
    """Runs a driver to its end; its parent."""
    parent = parent or Parent(count)
    Driver(cluster, EngineOptions("ray", **engine), parent).run()
    return parent


def test_every_job_is_done_with_a_bounded_number_in_flight():
    cluster = Cluster()
    assert sorted(drive(cluster, 20).done) == list(range(20))
    assert cluster.most == 4  # two for each core


def test_the_setting_bounds_what_is_in_flight():
    cluster = Cluster()
    drive(cluster, 20, in_flight=3)
    assert cluster.most == 3


def test_a_process_is_kept_for_many_tasks_and_ray_repeats_none_by_itself():
    cluster = Cluster(CPU=1, GPU=1, memory=4e9)
    drive(cluster, 1, num_gpus=0.5, num_cpus=0.25, memory_gb=2)
    wanted = {"num_gpus": 0.5, "num_cpus": 0.25, "memory": 2 * 10**9, "max_calls": 0, "max_retries": 0}
    assert cluster.options == wanted


def test_a_lost_chunk_is_done_again_and_told():
    lost = [exceptions.NodeDiedError("lost"), exceptions.WorkerCrashedError()]
    parent = drive(Cluster({3: lost}), 6)
    assert sorted(parent.done) == list(range(6))
    assert parent.notes == [
        "Chunk 3: its host was lost; it is done again",
        "Chunk 3: its worker process ended unexpectedly; it is done again",
    ]


def test_a_chunk_that_ends_every_worker_is_given_up_and_the_others_are_done():
    cluster = Cluster({1: [exceptions.WorkerCrashedError() for _ in range(9)]})
    parent = drive(cluster, 4)
    assert sorted(parent.done) == [0, 2, 3]
    (failed,) = [one for one in parent.sent if isinstance(one, Outcome) and one.errors]
    assert failed.number == 1
    assert f"{MAX_ATTEMPTS} times" in str(failed.errors["chunk 1"])
    lasts = [attempt.is_last for number, attempt in cluster.attempts if number == 1]
    assert lasts == [False] * (MAX_ATTEMPTS - 1) + [True]


def test_a_host_that_refuses_ends_the_run_and_nothing_more_is_begun():
    cluster = Cluster({2: [ConfigError("host-2 has another config")]})
    parent = Parent(50)
    with pytest.raises(ConfigError, match="host-2 has another config"):
        drive(cluster, 50, parent)
    assert len(cluster.attempts) <= 6
    assert cluster.cancelled


def test_a_host_without_the_program_ends_the_run():
    error = exceptions.RayTaskError("f", "", RuntimeError("ModuleNotFoundError: No module named 'extractors'"), ip="h")
    with pytest.raises(ExtractionError, match="the host h cannot run the program: ModuleNotFoundError"):
        drive(Cluster({0: [error]}), 3)


def test_a_stop_cancels_what_is_in_hand_and_begins_nothing():
    class Stopping(Parent):
        def send(self, message):
            super().send(message)
            if message == REQUEST and len(self.left) == 7:
                self.answers[-1] = STOP

    parent = Stopping(10)
    cluster = Cluster()
    drive(cluster, 10, parent)
    assert parent.done == []
    assert cluster.cancelled == [0, 1]
    assert len(cluster.attempts) == 2


def test_a_host_that_is_lost_is_told_and_the_other_one_goes_on(monkeypatch):
    monkeypatch.setattr(module, "NODES_INTERVAL_S", -1.0)
    cluster = Cluster()

    class Losing(Parent):
        def send(self, message):
            super().send(message)
            cluster.alive["host-2"] = len(self.done) < 3

    parent = drive(cluster, 8, Losing(8))
    assert sorted(parent.done) == list(range(8))
    assert parent.notes == ["host-2 (10.0.0.1) is lost to the cluster; the other hosts go on"]


def test_a_cluster_that_can_run_no_task_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(module, "NODES_INTERVAL_S", -1.0)
    monkeypatch.setattr(module, "PATIENCE_S", 0.3)
    with pytest.raises(ExtractionError, match="has what a task asks for \\(3 CPUs, 0 GPUs\\)"):
        drive(Cluster(), 3, num_cpus=3)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State(None, 0), "to find a host (0 hosts)"),
        (State(7, 1), "chunk 7 (1 host)"),
        (State(7, 2), "chunk 7 (2 hosts)"),
    ],
)
def test_the_state_names_the_oldest_chunk(state, words):
    assert str(state) == words
