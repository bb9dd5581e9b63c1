"""A project that is large enough for a dozen chunks, and what an undisturbed run on one machine makes of it."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from pipeline.stores import atomic, parts, store
from pipeline.stores.atomic import TEMPORARY
from tests.clips import make_clip, numbered, tone, write_srt
from tests.scale.hosts import Host
from tests.tasks.project import CONFIGS, Project, forget_everything

EXPERTS = ("rgb_light", "audio_light", "speech_light", "counted")
COUNTED = Path(__file__).with_name("counted")
"""Of an extractor that tells when it is loaded; in the PYTHONPATH of all processes."""
VIDEOS_PER_CHUNK = 3


class Collection(Project):
    """Videos with a moving square, a tone of their own and, every third one, words."""

    num_videos = 36

    @property
    def of_hosts(self) -> dict[str, str]:
        """What the environment of each process must hold, on all hosts."""
        return {"PYTHONPATH": str(COUNTED), "COUNTED_LOADS": str(self.root / "loads")}

    def loads(self) -> list[int]:
        """The processes that have loaded the networks of the expert "counted", once for each time."""
        path = self.root / "loads"
        return [int(line) for line in path.read_text().splitlines()] if path.exists() else []

    def make(self) -> "Collection":
        """Writes videos, captions and configs."""
        for number in range(self.num_videos):
            self.add_video(f"v{number:02}.mp4", number, "train")
        self.write_captions()
        for name in EXPERTS[:-1]:
            self.copy_config("experts", name)
        self.write_config("experts", "counted", {"extractor": "counted", "modality": "rgb", "params": {"fps": 1.0}})
        self.write_config("datasets", "many", {"videos": str(self.videos), "captions": str(self.captions)})
        return self

    def add_video(self, name: str, number: int, split: str | None) -> None:
        """A video, its words and its caption."""
        path = make_clip(
            self.videos / name,
            size=(320, 240),
            fps=15,
            seconds=6,
            picture=lambda index: numbered(index + 7 * number, (320, 240)),
            sound=tone(6, hz=200 + 20 * number),
        )
        if number % 3 == 0:
            write_srt(path.with_suffix(".srt"), [(f"hello number {number}", 0.5, 2.5)])
        self.rows.append({"video": name, "caption": f"number {number}", "split": str(split), "tags": ""})

    def command(self, *words: str, **engine: object) -> list[str]:
        """The command line that extracts all features, with these settings of the section [Engine]."""
        options = [f"--Engine-{name.replace('_', '-')}={value}" for name, value in engine.items()]
        task = ("ExtractExpert", "--dataset", "many", "--expert", ",".join(EXPERTS))
        return [sys.executable, "-m", "luigi", "--module", "tasks", *(words or task), *options]

    def environment(self) -> dict[str, str]:
        """The environment in which commands find the project."""
        settings = self.root / "command.cfg"
        # In one piece: a host that was started a moment before may be reading it.
        atomic.write_text(
            settings,
            f"[Paths]\ndata = {self.data}\nconfigs = {self.configs}\n"
            f"[Extraction]\nworkers = 1\ndevice = cpu\nvideos_per_part = {VIDEOS_PER_CHUNK}\n",
        )
        return os.environ | {"LUIGI_CONFIG_PATH": str(settings), "OMP_NUM_THREADS": "1"} | self.of_hosts

    def run_locally(self) -> tuple[int, str, str]:
        """Extracts all features on this machine; (exit code, output, errors)."""
        done = subprocess.run(
            self.command(), cwd=CONFIGS.parent, env=self.environment(), capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout, done.stderr

    def forget_features(self) -> None:
        """Deletes all features."""
        shutil.rmtree(self.data / "store" / "features", ignore_errors=True)
        (self.root / "loads").unlink(missing_ok=True)

    def start_on(self, host: Host, command: list[str], **more: str) -> subprocess.Popen[str]:
        """Starts a command on a host, from the folder of the program."""
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return host.start(command, cwd=CONFIGS.parent, env=self.environment() | more, **streams)

    def stores(self) -> list[Path]:
        """The folders with features."""
        return sorted((self.data / "store" / "features").glob("*/*"))

    def num_parts(self) -> int:
        """How many parts are published."""
        return sum(len(store.parts(folder)) for folder in self.stores())

    def leftovers(self) -> list[Path]:
        """What a writer that was killed has left behind."""
        return sorted((self.data / "store").rglob(f"{TEMPORARY}*"))

    def doubled(self) -> list[str]:
        """Rows that several parts hold."""
        forget_everything()
        return [
            f"{folder.parent.name}/{key}"
            for folder in self.stores()
            for key, count in Counter(row.key for part in store.parts(folder) for row in store.rows_of(part)).items()
            if count > 1
        ]

    def features(self) -> dict[str, tuple[object, ...]]:
        """Expert and video -> the row, and the bytes of values, times and extras."""
        forget_everything()
        found: dict[str, tuple[object, ...]] = {}
        for folder in self.stores():
            for key, row in store.rows(folder).items():
                features = parts.read_features(folder, key)
                assert features is not None
                arrays = {"values": features.values, "times_s": features.times_s, **features.extras}
                content = tuple((name, array.dtype.kind, _bytes(array)) for name, array in sorted(arrays.items()))
                found[f"{folder.parent.name}/{key}"] = (row, *content)
        return found

    def differing(self, expected: dict[str, tuple[object, ...]], may_lack: bool = False) -> list[str]:
        """What is other than `expected`, a line each: short enough to be read where a test prints it."""
        found = self.features()
        lines = [f"{key}: not expected" for key in found.keys() - expected.keys()]
        lines += [] if may_lack else [f"{key}: lacks" for key in expected.keys() - found.keys()]
        for key in found.keys() & expected.keys():
            (row, *arrays), (other_row, *other_arrays) = found[key], expected[key]
            lines += [f"{key}: {row}, expected {other_row}"] if row != other_row else []
            pairs = zip(arrays, other_arrays, strict=False)
            lines += [f"{key}: other {ours[0]}" for ours, theirs in pairs if ours != theirs]
            lines += [f"{key}: other arrays"] if len(arrays) != len(other_arrays) else []
        return sorted(lines)


def _bytes(array: np.ndarray) -> bytes:
    return repr(array.tolist()).encode() if array.dtype.kind in "TUO" else array.tobytes()
