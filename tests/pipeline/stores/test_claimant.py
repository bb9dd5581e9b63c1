import json
import os
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from pipeline.stores import atomic
from pipeline.stores import claimant as module
from pipeline.stores.claimant import Claimant, exclusive
from pipeline.stores.claims import LocalClaims, Taken

EXPIRY_S = 60.0


def of_another_host(name, where, tries=1):
    """A claim of a process that cannot be seen from here."""
    assert where.claim(name, Taken("0a1b2c3d_77", "elsewhere", tries).text)


@pytest.fixture
def where(tmp_path):
    return LocalClaims(tmp_path / "claims")


class Clock:
    """Stands for the module time, and moves when it is told to."""

    def __init__(self):
        self.now_s = 1000.0

    def monotonic(self):
        return self.now_s

    def time(self):
        return self.now_s


class StoredElsewhere:
    """Claims on a storage whose clock is off."""

    def __init__(self, clock, off_s=0.0):
        self.clock, self.off_s = clock, off_s
        self.kept = {}

    def claim(self, name, content):
        return self.kept.setdefault(name, (content, self.clock.now_s)) == (content, self.clock.now_s)

    def renew(self, name):
        self.kept[name] = self.kept[name][0], self.clock.now_s

    def read_claim(self, name):
        return (self.kept[name][0], self.clock.now_s - self.kept[name][1] + self.off_s) if name in self.kept else None

    def release(self, name):
        self.kept.pop(name, None)

    def names(self, folder):
        return sorted(name for name in self.kept if name.startswith(f"{folder}/"))


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def storage(clock):
    return StoredElsewhere(clock)


@pytest.fixture
def claimant(storage):
    with closing(Claimant(storage, EXPIRY_S)) as claimant:
        yield claimant


def until(answer, patience_s=30.0):
    """The first true answer."""
    end_s = time.monotonic() + patience_s
    while time.monotonic() < end_s:
        if value := answer():
            return value
        time.sleep(0.02)
    raise AssertionError("it never came true")


def test_what_is_taken_is_not_given_to_another_while_it_is_renewed(clock, storage, claimant):
    mine = claimant.take("chunk")
    assert claimant.is_own(mine)
    assert mine.tries == 1
    for _ in range(20):
        clock.now_s += EXPIRY_S / 4
        assert claimant.take("chunk") is None
        storage.renew("chunk")
    claimant.release("chunk")
    assert claimant.is_own(claimant.take("chunk"))


def test_a_held_claim_is_renewed_until_it_is_left(where):
    with closing(Claimant(where, 0.06)) as claimant:
        claimant.take("chunk")
        path = where._folder / "chunk"
        os.utime(path, (0, 0))
        until(lambda: path.stat().st_mtime > 0)
        claimant.leave("chunk")
        time.sleep(0.2)  # for the beat in which it is left
        os.utime(path, (0, 0))
        time.sleep(0.2)
        assert path.stat().st_mtime == 0


@pytest.mark.parametrize("off_s", [0.0, -3600.0, 3600.0])
def test_a_claim_that_nobody_renews_is_taken_over_whatever_the_clocks_say(clock, storage, claimant, off_s):
    storage.off_s = off_s
    of_another_host("chunk", storage, tries=2)
    clock.now_s += 10 * EXPIRY_S
    assert claimant.take("chunk") is None, "the first look never finds it expired, however old its date is"
    clock.now_s += EXPIRY_S - 1
    storage.renew("chunk")
    clock.now_s += 2
    assert claimant.take("chunk") is None, "it was renewed meanwhile"
    clock.now_s += EXPIRY_S - 1
    assert claimant.take("chunk") is None
    clock.now_s += 1
    mine = claimant.take("chunk")
    assert (claimant.is_own(mine), mine.tries) == (True, 3)
    assert Taken.read(storage.read_claim("chunk")[0]) == mine


def test_a_clock_that_is_set_back_only_delays_a_take_over(clock, storage, claimant):
    of_another_host("chunk", storage)
    assert claimant.take("chunk") is None
    storage.off_s = -50.0
    clock.now_s += EXPIRY_S
    assert claimant.take("chunk") is None
    clock.now_s += EXPIRY_S
    assert claimant.is_own(claimant.take("chunk"))


def test_the_claim_of_a_process_that_ended_on_this_machine_is_taken_at_once(where):
    script = "from pipeline.stores.atomic import this_process; print(this_process())"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    where.claim("chunk", Taken(ended, "here", 1).text)
    where.claim("alive", Taken(f"{atomic.this_process().partition('_')[0]}_{os.getppid()}", "here", 1).text)
    with closing(Claimant(where, EXPIRY_S)) as claimant:
        assert claimant.take("chunk").tries == 2
        assert claimant.take("alive") is None


@pytest.mark.parametrize("content", ["", "{", '{"process": 1}', json.dumps([1])])
def test_a_claim_that_was_cut_off_holds_and_expires(clock, storage, claimant, content):
    storage.claim("chunk", content)
    assert claimant.take("chunk") is None
    clock.now_s += EXPIRY_S
    assert claimant.take("chunk").tries == 2


def test_a_claim_that_had_as_many_owners_as_may_be_is_left_alone(clock, storage, claimant):
    of_another_host("tiny/chunk", storage, tries=3)
    of_another_host("tiny/other", storage, tries=2)
    assert claimant.take("tiny/chunk", most_tries=3) is None, "its owner may be alive"
    clock.now_s += EXPIRY_S
    last = claimant.take("tiny/chunk", most_tries=3)
    assert last == Taken("0a1b2c3d_77", "elsewhere", 3)
    assert not claimant.is_own(last)
    storage.release("tiny/chunk")
    assert claimant.is_own(claimant.take("tiny/chunk", most_tries=3))
    assert storage.names("tiny") == ["tiny/chunk", "tiny/other"]


def test_a_claim_that_was_taken_over_is_left_to_its_new_owner(storage, claimant):
    claimant.take("chunk")
    storage.release("chunk")
    of_another_host("chunk", storage)
    claimant.release("chunk")
    assert Taken.read(storage.read_claim("chunk")[0]).host == "elsewhere"


def test_one_host_at_a_time_is_in_a_context_and_the_next_waits_for_it(where):
    inside, most, told = [], [], []

    def enter(number):
        with exclusive(where, "tasks/one", EXPIRY_S, lambda: told.append(number)):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.05)
            inside.remove(number)

    # One after another within a process: its name is the owner of all of its claims.
    enter(0)
    of_another_host("tasks/one", where)
    thread = threading.Thread(target=enter, args=(1,))
    thread.start()
    until(lambda: told == [1])
    assert most == [1]
    where.release("tasks/one")
    thread.join()
    assert most == [1, 1]
    assert told == [1], "once"
    assert where.read_claim("tasks/one") is None
