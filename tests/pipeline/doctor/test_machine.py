import os
import resource

import pytest

from pipeline.doctor import machine
from pipeline.doctor.machine import cores, memory


def found():
    return {finding.subject: finding for finding in machine.machine()}


@pytest.fixture
def control_group(monkeypatch):
    """Puts this process into a control group with these files."""

    def put(**files):
        monkeypatch.setattr(
            machine, "_first_line", lambda path: files.get(path.rpartition("/")[2].replace(".", "_"), "")
        )

    return put


def test_memory_is_that_of_the_system_where_no_control_group_has_less(control_group):
    control_group(memory_max="max", memory_current="5")
    free, total = memory()
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert total == pytest.approx(pages, rel=0.01)
    assert 0 < free <= total


def test_a_control_group_bounds_memory_and_cores(control_group):
    control_group(memory_max="2000000000", memory_current="500000000", cpu_max="50000 100000")
    assert memory() == (1.5e9, 2e9)
    assert cores() == 0.5
    assert found()["memory"].state == "note"
    assert found()["memory"].found == "1.5 of 2.0 GB are free for this process"
    assert found()["cores"].found.startswith("0.5 of ")


def test_a_control_group_without_bounds_bounds_nothing(control_group):
    control_group(cpu_max="max 100000", memory_limit_in_bytes="9223372036854771712", memory_usage_in_bytes="5")
    assert cores() == len(os.sched_getaffinity(0))
    assert memory()[1] < 1 << 60


@pytest.mark.parametrize(("limit", "state"), [(256, "note"), (1024, "ok"), (resource.RLIM_INFINITY, "ok")])
def test_a_low_limit_of_open_files_is_a_note(monkeypatch, limit, state):
    monkeypatch.setattr(machine.resource, "getrlimit", lambda kind: (limit, limit))
    finding = found()["open files"]
    assert finding.state == state
    assert (finding.advice == "ulimit -n 1024") is (state == "note")


def test_the_shared_memory_that_docker_gives_by_default_is_a_note(monkeypatch):
    real = os.statvfs("/")
    sizes = [*real[:2], 64_000_000 // real.f_frsize, *real[3:]]
    monkeypatch.setattr(machine.os, "statvfs", lambda path: os.statvfs_result(sizes))
    finding = found()["shared memory"]
    assert (finding.state, finding.found) == ("note", "64 MB")
    assert "--shm-size" in finding.advice
