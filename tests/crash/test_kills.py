"""Kills the whole chain at random moments, by random signals; the same command must then end with the same bytes.

The moments are drawn from a seed, which each test's name holds. CRASH_ROUNDS=n runs n rounds in place of 6.
"""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.crash.chain import COMMANDS, Chain

KILLS_PER_ROUND = 4
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "6"))
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
TARGETS = ("main process", "process group", "a child")
PATIENCE_S = 60.0
"""For a process that was told to end; on a machine that is busy with other tests."""


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return Chain(tmp_path_factory.mktemp("crash") / "project")


def children(pid: int) -> list[int]:
    """The processes that descend from `pid`."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children(child)]
    return found


def hit(process: subprocess.Popen, target: str, number: signal.Signals, draw: random.Random) -> None:
    """Sends the signal, unless the process was faster."""
    try:
        if target == "process group":
            os.killpg(process.pid, number)
        elif target == "a child":
            candidates = children(process.pid)
            os.kill(draw.choice(candidates) if candidates else process.pid, number)
        else:
            os.kill(process.pid, number)
    except (ProcessLookupError, FileNotFoundError):
        pass  # it has ended: the next draw comes earlier


def disturb(chain: Chain, draw: random.Random) -> str:
    """One start of a command, and one signal at a random moment; what was done, in words."""
    command = draw.choice(COMMANDS)
    process = chain.project.start_command(*command, start_new_session=True)
    moment_s = draw.uniform(0, chain.duration_s / 2)
    target, number = draw.choice(TARGETS), draw.choice(SIGNALS)
    story = f"{command[0]}: {number.name} to {target} after {moment_s:.2f} s"
    time.sleep(moment_s)
    hit(process, target, number, draw)
    try:
        _, errors = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        pytest.fail(f"{story}: did not end within {PATIENCE_S:g} s")
    finally:
        _end_orphans(process.pid)
    # The first moments belong to the interpreter and to Luigi, before any line of ours runs.
    if number != signal.SIGKILL and moment_s > chain.duration_s / 5:
        assert "Traceback" not in errors, f"{story}\n{errors}"
    return story


def _end_orphans(group: int) -> None:
    """Ends what a killed main process left running, as the system's or a scheduler's clean-up does."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def rounds(chain: Chain, seed: int, num_kills: int) -> None:
    """Everything anew, with so many kills on the way; then undisturbed, to the same bytes."""
    draw = random.Random(seed)
    chain.forget()
    stories = [disturb(chain, draw) for _ in range(num_kills)]
    chain.run()
    now = chain.results()
    assert now.keys() == chain.wanted.keys(), stories
    different = [name for name in now if now[name] != chain.wanted[name]]
    assert not different, (different, stories)


def test_a_kill_changes_nothing(chain):
    rounds(chain, seed=0, num_kills=1)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(1, ROUNDS + 1))
def test_many_kills_change_nothing(chain, seed):
    rounds(chain, seed, KILLS_PER_ROUND)
