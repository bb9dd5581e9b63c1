"""What a fixed small job costs in counted work, which no machine makes faster or slower: see benchmarks/budget.json.

A change that makes the program decode, open, list or ask more than before fails here, and says what has risen.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.counted import ASKED, COUNTED, DATABASES, FILES, FOLDERS, FRAMES, NETWORKS, VIDEOS, counted
from tests.tasks.project import CONFIGS, Project

BUDGET = Path(__file__).parents[1] / "benchmarks" / "budget.json"
UPDATE = "UPDATE_BUDGET=1 pytest tests/test_budget.py"

IMAGES = {
    "extractor": "image_classifier",
    "modality": "rgb",
    "params": {"network": "torchvision/resnet18.IMAGENET1K_V1", "dim": 512, "resize_px": 64, "crop_px": 64},
    "weights": "seeded",
}
LONG_AGO_S = 10**9
COMMANDS = {"--help": ["--help"], "ListExperts": ["ListExperts"], "Status": ["Status", "--dataset", "demo"]}


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """Step -> what it did: 14 videos of four frames, two experts without networks, one with, two epochs, an index."""
    import torch

    from tasks import BuildIndex, EvaluateCE, Search

    torch.set_num_threads(1)
    project = Project(tmp_path_factory.mktemp("budget")).make()
    project.write_config("experts", "images", IMAGES)
    project.edit("models", "tiny", experts=["rgb_light", "speech_light", "images"])
    steps = {
        "from nothing to the report": (EvaluateCE, {}),
        "the same again": (EvaluateCE, {}),
        "the index": (BuildIndex, {}),
        "a query": (Search, {"query": "a red square"}),
        "a video more": (BuildIndex, {}),
    }
    done = {}
    for step, (task, options) in steps.items():
        if step == "a video more":
            project.add_video("more.mp4", 14, "test")
            project.write_captions()
        _made_long_ago(project.data / "raw")
        with counted(project.root) as counts:
            project.run(task, dataset="tiny", **options)
        done[step] = {kind: counts[kind] for kind in COUNTED}
    return done


ADDED = 2
SIZES = {"alone": 0, "to 14": 14, "to 28": 28}
THERE = {FILES: 27, FOLDERS: 0, DATABASES: 0, ASKED: 0}
"""What it costs that videos are there before, however many: the files of their parts, and of their index."""


@pytest.fixture(scope="module")
def added(tmp_path_factory):
    """To how many videos -> what it does to add ADDED ones to them: their features, captions and place in the index."""
    from tasks import BuildIndex, EncodeText

    done = {}
    for name, size in SIZES.items():
        project = Project(tmp_path_factory.mktemp("grown")).make()
        project.write_config("experts", "images", IMAGES)
        project.edit("models", "tiny", experts=["rgb_light", "speech_light", "images"])
        for path in project.videos.iterdir():
            path.unlink()
        project.rows.clear()
        for step in (range(size), range(100, 100 + ADDED)):
            for number in step:
                project.add_video(f"v{number:03}.mp4", number, "train")
            project.write_captions()
            for path in (project.data / "raw", *(project.data / "raw").rglob("*")):
                os.utime(path, (LONG_AGO_S, LONG_AGO_S))  # always the same, by which the files of before are known
            with counted(project.root) as counts:
                for task, options in ((EncodeText, {}), (BuildIndex, {"untrained": True})) if step else ():
                    project.run(task, dataset="tiny", **options)
        done[name] = {kind: counts[kind] for kind in COUNTED}
    return done


def _made_long_ago(folder):
    """Dates the files before any work: what has changed just now is looked at again, however slow the machine is."""
    long_ago = time.time() - 3600
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (long_ago, long_ago))


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Command -> names of the packages that it imports, where nothing was run yet."""
    data = ["--Paths-data", str(tmp_path_factory.mktemp("data"))]
    return {command: _packages([*words, *data]) for command, words in COMMANDS.items()}


def _packages(words):
    script = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "from luigi.cmdline import luigi_run\n"
        "try:\n"
        f"    luigi_run(['--module', 'tasks', *{words!r}])\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        "names = {name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names\n"
        "print()\n"
        "print(*sorted(name for name in names if not name.startswith('_') and '__' not in name))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=CONFIGS.parent
    )
    return done.stdout.splitlines()[-1].split()


@pytest.mark.slow
def test_a_fixed_job_does_no_more_work_than_its_budget(job):
    _hold("work", job, _risen)


@pytest.mark.slow
def test_videos_that_are_added_are_decoded_and_put_through_networks_as_if_they_were_alone(added):
    for kind in (FRAMES, VIDEOS, NETWORKS):
        assert added["to 28"][kind] == added["to 14"][kind] == added["alone"][kind] > 0, kind


@pytest.mark.slow
def test_what_else_it_takes_to_add_videos_does_not_grow_with_their_number(added):
    for kind, most in THERE.items():
        assert added["to 14"][kind] - added["alone"][kind] <= most, kind
        assert added["to 28"][kind] <= added["to 14"][kind], kind
    _hold("added", added, _risen)


def test_tables_and_help_import_no_more_packages_than_their_budget(imported):
    _hold("packages", imported, _imported_beside)


def test_what_has_risen_is_told_with_what_it_was():
    budget = {"a query": {"files read": 3, "network calls": 1}}
    assert _risen(budget, {"a query": {"files read": 3, "network calls": 0}}) == []
    assert _risen(budget, {"a query": {"files read": 5, "network calls": 1}}) == ["a query: 5 files read, 3 before"]
    assert _imported_beside({"Status": ["yaml"]}, {"Status": ["torch", "yaml"]}) == ["Status imports torch"]


def _risen(budget, now):
    return [
        f"{step}: {number} {kind}, {budget[step].get(kind, 0)} before"
        for step, counts in now.items()
        for kind, number in counts.items()
        if number > budget[step].get(kind, 0)
    ]


def _imported_beside(budget, now):
    return [f"{command} imports {name}" for command in now for name in sorted({*now[command]} - {*budget[command]})]


def _hold(part, now, risen):
    """Compares with the part of the file, or writes it."""
    budget = json.loads(BUDGET.read_text(encoding="utf-8"))
    if os.environ.get("UPDATE_BUDGET"):
        BUDGET.write_text(json.dumps(budget | {part: now}, indent=1) + "\n", encoding="utf-8")
        return
    assert budget[part].keys() == now.keys(), UPDATE
    more = risen(budget[part], now)
    assert not more, f"{'; '.join(more)}. If that is meant, say why in the commit: {UPDATE}"
