"""A small project in a folder of its own: videos, captions and configs, and methods that run its tasks."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import luigi
import numpy as np
import yaml

from extractors import registry
from pipeline.datasets import manifest
from pipeline.stores import atomic, parts, store
from tasks.console import error_messages
from tasks.plan import inventory, plan, row_keys, selection
from tests.clips import make_clip, write_srt
from tests.inline_jobs import inline_jobs

CONFIGS = Path(__file__).parents[2] / "configs"
SPLITS = ["train"] * 8 + ["val"] * 3 + ["test"] * 3
COLOURS = {"red": (220, 40, 40), "green": (40, 200, 60), "blue": (50, 70, 220), "white": (235, 235, 235)}
PLACES = ("left", "middle", "right")

MODEL = {
    "experts": ["rgb_light", "speech_light"],
    "text": "words_hashed",
    "text_pool": {"clusters": 2, "ghost_clusters": 1, "max_tokens": 8},
    "architecture": {
        "shared_dim": 8,
        "gating": "sequential",
        "activation": "mish",
        "batch_norm": True,
        "mask_padding": True,
    },
    "training": {
        "loss": "infonce",
        "temperature": 0.2,
        "optimizer": "adamw",
        "learning_rate": 0.01,
        "weight_decay": 0.0,
        "schedule": "cosine",
        "batch_size": 4,
        "epochs": 2,
        "seeds": [0],
    },
}

PATIENCE_S = 400.0
"""For a command that is to end by itself; on a machine that is busy with other tests."""

_started: list[luigi.Task] = []


@luigi.Task.event_handler(luigi.Event.START)
def _remember(task: luigi.Task) -> None:
    # After the folder was looked into, Luigi asks all that comes after it, also what turns out to be there.
    if not task.complete():
        _started.append(task)


class Project:
    """14 videos, each of one colour in one place; every third one with a word spoken."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data, self.configs = root / "data", root / "configs"
        self.videos = self.data / "raw" / "tiny"
        self.captions = self.data / "raw" / "tiny.csv"
        self.rows: list[dict[str, str]] = []
        self.stored = ""
        """[Paths] store of its commands."""

    def make(self) -> "Project":
        """Writes videos, captions and configs."""
        for number, split in enumerate(SPLITS):
            self.add_video(f"v{number:02}.mp4", number, split)
        self.write_captions()
        for name in ("rgb_light", "speech_light"):
            self.copy_config("experts", name)
        self.copy_config("text", "words_hashed")
        self.write_config("models", "tiny", MODEL)
        self.write_config(
            "datasets", "tiny", {"videos": str(self.videos), "captions": str(self.captions), "model": "tiny"}
        )
        return self

    def save(self, folder: Path) -> None:
        """Copies all of it into `folder`, with the dates of the files."""
        shutil.copytree(self.root, folder)

    def restore(self, folder: Path) -> "Project":
        """Puts back what was saved in `folder`."""
        shutil.rmtree(self.root)
        shutil.copytree(folder, self.root)
        with self.captions.open(newline="", encoding="utf-8") as file:
            self.rows = list(csv.DictReader(file))
        return self

    def add_video(self, name: str, number: int, split: str | None) -> None:
        """A video, its words and, in a split, its caption."""
        colour, place = list(COLOURS)[number % 4], PLACES[number % 3]
        make_clip(
            self.videos / name,
            size=(96, 72),
            fps=4,
            seconds=1,
            sound=None,
            picture=lambda index: _picture(COLOURS[colour], PLACES.index(place), index + number),
        )
        if number % 3 == 0:
            write_srt((self.videos / name).with_suffix(".srt"), [(f"hello number {number}", 0.1, 0.9)])
        if split:
            text = f"a {colour} square on the {place}, number {number}"
            self.rows.append({"video": name, "caption": text, "split": split, "tags": "rgb"})

    def write_captions(self) -> None:
        """The captions file, from `rows`."""
        with self.captions.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["video", "caption", "split", "tags"])
            writer.writeheader()
            writer.writerows(self.rows)

    def copy_config(self, kind: str, name: str) -> None:
        """Copies one of the shipped YAMLs."""
        (self.configs / kind).mkdir(parents=True, exist_ok=True)
        shutil.copy(CONFIGS / kind / f"{name}.yaml", self.configs / kind)
        shutil.copy(CONFIGS / "search.yaml", self.configs)

    def write_config(self, kind: str, name: str, content: dict[str, Any]) -> None:
        """Writes a YAML."""
        (self.configs / kind).mkdir(parents=True, exist_ok=True)
        (self.configs / kind / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")

    def edit(self, kind: str, name: str, **changes: Any) -> None:
        """Changes keys of a YAML; a key with two underscores leads into a block: params__fps."""
        path = self.configs / kind / f"{name}.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for key, value in changes.items():
            block, keys = content, key.split("__")
            for step in keys[:-1]:
                block = block.setdefault(step, {})
            block[keys[-1]] = value
        self.write_config(kind, name, content)

    @contextmanager
    def process(self, **extraction: Any) -> Iterator[None]:
        """A context as in a new process: with the paths and options of luigi.cfg, and empty caches."""
        forget_everything()
        config = luigi.configuration.get_config()
        sections = {
            "Paths": {"data": str(self.data), "configs": str(self.configs)},
            "Extraction": {"workers": "1", "deadline_s": "60", "device": "cpu", **extraction},
            "worker": {"keep_alive": "false", "check_complete_on_run": "true", "cache_task_completion": "false"},
            "core": {"no_configure_logging": "true"},
        }
        before = {name: dict(config[name]) if config.has_section(name) else None for name in sections}
        for section, options in sections.items():
            for option, value in options.items():
                config.set(section, option, str(value))
        try:
            yield
        finally:
            for section, options in before.items():
                config.remove_section(section)
                for option, value in (options or {}).items():
                    config.set(section, option, value)
            forget_everything()

    def run(self, task: type[luigi.Task], workers: bool = False, **params: Any) -> list[str]:
        """Runs a task and all that it requires; labels of the tasks that ran, in order."""
        ran, worked = self.attempt(task, workers=workers, **params)
        assert worked, f"a task failed after {ran}"
        return ran

    def attempt(
        self, task: type[luigi.Task], extraction: dict[str, Any] | None = None, workers: bool = False, **params: Any
    ) -> tuple[list[str], bool]:
        """Labels of the tasks that ran, and whether all succeeded; worker processes are used only with `workers`."""
        _started.clear()
        with self.process(**(extraction or {})):
            with nullcontext() if workers else inline_jobs():
                worked = luigi.build([task(**params)], local_scheduler=True, workers=1, no_lock=True)
            return [task_label(task) for task in _started], worked

    def start_command(
        self, *words: str, program: Sequence[str] = ("-m", "luigi"), **more: Any
    ) -> subprocess.Popen[str]:
        """Starts `luigi --module tasks WORDS` in a process of its own; `program`: another one in place of luigi."""
        settings = self.root / "command.cfg"
        # In one piece: a command that was started a moment before may be reading it.
        atomic.write_text(
            settings,
            f"[Paths]\ndata = {self.data}\nconfigs = {self.configs}\nstore = {self.stored}\n"
            "[Extraction]\nworkers = 1\ndevice = cpu\nvideos_per_part = 2\n",
        )
        environment = os.environ | {"LUIGI_CONFIG_PATH": str(settings), "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            [sys.executable, *program, "--module", "tasks", *words],
            cwd=CONFIGS.parent,
            env=environment | more.pop("env", {}),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **more,
        )

    def run_command(self, *words: str, **more: Any) -> tuple[int, str, str]:
        """Runs `luigi --module tasks WORDS`; (exit code, output, errors)."""
        process = self.start_command(*words, **more)
        output, errors = process.communicate(timeout=PATIENCE_S)
        return process.returncode, output, errors

    def feature_parts(self, expert: str) -> list[Path]:
        """The parts of all stores of an expert."""
        return sorted((self.data / "store" / "features" / expert).glob("*/part-*"))

    def values(self, expert: str) -> np.ndarray:
        """All vectors of the one store of an expert, by the order of its keys."""
        forget_everything()
        (folder,) = {part.parent for part in self.feature_parts(expert)}
        return np.concatenate([parts.read_features(folder, key).values for key in sorted(store.rows(folder))])

    def results(self) -> set[str]:
        """Paths below the store of all folders that hold a result."""
        patterns = ("features/*/*", "text/*/*", "manifests/*/*/", "runs/*/*/*", "reports/*/*/*", "ablations/*/*/*")
        folders = [path for pattern in patterns for path in (self.data / "store").glob(pattern)]
        return {str(path.relative_to(self.data / "store")) for path in folders if path.is_dir()}

    def rankings_pages(self) -> list[Path]:
        """Paths of all pages of rankings."""
        return sorted(self.data.glob("store/reports/tiny/*/*/rankings.html"))

    def report(self) -> dict[str, Any]:
        """The newest report."""
        found = sorted(self.data.glob("store/reports/tiny/*/*/report.json"), key=lambda path: path.stat().st_mtime_ns)
        return json.loads(found[-1].read_text(encoding="utf-8"))


def task_label(task: luigi.Task) -> str:
    """Family of a task, with its expert, seed or split."""
    params = task.to_str_params(only_significant=True)
    values = [params[key] for key in ("expert", "seed", "split") if key in params]
    return " ".join([task.task_family, *values])


def required_families(task: luigi.Task) -> list[str]:
    """Families of the tasks that a task requires."""
    return [required.task_family for required in luigi.task.flatten(task.requires())]


def collect_garbage(project: Project, capsys: Any, delete: bool = False) -> tuple[str, set[str]]:
    """Runs CollectGarbage; its output, and the results that are left."""
    from tasks import CollectGarbage

    capsys.readouterr()
    project.run(CollectGarbage, delete=delete)
    return capsys.readouterr().out, project.results()


def forget_everything() -> None:
    """Clears all caches of this process."""
    luigi.task_register.Register.clear_instance_cache()
    plan.load_plan.cache_clear()
    selection.read_expert.cache_clear()
    inventory.scan_digests.clear()
    error_messages.printed.clear()
    registry.rebuild.cache_clear()
    manifest._load_videos.cache_clear()
    store.forget_scans()
    row_keys._made.clear()
    parts._open.cache_clear()


def _picture(colour: tuple[int, int, int], place: int, shift: int) -> np.ndarray:
    picture = np.full((72, 96, 3), 110, np.uint8)
    picture[20 + shift % 5 : 50 + shift % 5, 5 + 30 * place : 30 + 30 * place] = colour
    return picture
