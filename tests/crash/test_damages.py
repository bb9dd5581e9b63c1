"""Damages files of all results at random, several at once; the same commands must then end with the same bytes.

Every file that the chain leaves in its store and its cache is drawn from; each is emptied, shortened, flipped or gone.
"""

import os
import random
import shutil
from pathlib import Path

import pytest

from tasks import BuildIndex, EvaluateCE
from tests.crash.chain import Chain

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "6"))
DAMAGES = ("empty", "shorter", "flipped", "gone")
UNREAD = ("events.out.tfevents", "checksums.json")
"""Parts of names of files that no result is read from: the history for TensorBoard; a ledger that is made again."""


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    import torch

    torch.set_num_threads(1)  # as in the commands of the chain: sums in another order differ in their last bits
    return Chain(tmp_path_factory.mktemp("damages") / "project")


def damage(path: Path, how: str, draw: random.Random) -> None:
    """Damages one file; an empty one can only go."""
    content = path.read_bytes()
    if how == "gone" or not content:
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "shorter":
        path.write_bytes(content[: draw.randrange(len(content))])
    else:
        place = draw.randrange(len(content))
        path.write_bytes(content[:place] + bytes([content[place] ^ (1 << draw.randrange(8))]) + content[place + 1 :])


def files(chain: Chain) -> list[Path]:
    found = [path for part in ("store", "cache") for path in (chain.project.data / part).rglob("*") if path.is_file()]
    unread = [chain.project.data / "store" / name for name in ("damaged", "logs")]
    return sorted(
        path
        for path in found
        if not any(path.is_relative_to(folder) for folder in unread) and not path.name.startswith(UNREAD)
    )


def spoil(chain: Chain, draw: random.Random, num_files: int, without_report: bool) -> list[str]:
    """Damages so many files; what was done, in words."""
    stories = []
    for path in draw.sample(files(chain), num_files):
        how = draw.choice(DAMAGES)
        damage(path, how, draw)
        stories.append(f"{how}: {path.relative_to(chain.project.data)}")
    if without_report:
        shutil.rmtree(chain.project.data / "store" / "reports")
        shutil.rmtree(chain.project.data / "store" / "index")
        stories.append("without report and index")
    return stories


def rounds(chain: Chain, seed: int, num_files: int) -> None:
    draw = random.Random(seed)
    stories = spoil(chain, draw, num_files, without_report=seed % 2 == 1)
    for task in (EvaluateCE, BuildIndex):
        ran, worked = chain.project.attempt(task, dataset="tiny")
        assert worked, (stories, ran)
    # Of what is fresh and was not read, a damage shows only when it is: then everything is asked for once more.
    shutil.rmtree(chain.project.data / "store" / "reports")
    shutil.rmtree(chain.project.data / "store" / "index")
    for task in (EvaluateCE, BuildIndex):
        ran, worked = chain.project.attempt(task, dataset="tiny")
        assert worked, (stories, ran)
    now = chain.results()
    assert now.keys() == chain.wanted.keys(), stories
    different = [name for name in now if now[name] != chain.wanted[name]]
    assert not different, (different, stories)


@pytest.mark.slow
def test_a_damaged_file_changes_nothing(chain):
    rounds(chain, seed=1, num_files=1)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(2, ROUNDS + 2))
def test_many_damaged_files_change_nothing(chain, seed):
    rounds(chain, seed, num_files=3)
