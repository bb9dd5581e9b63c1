"""Measures where the time of the seven light experts goes: `python -m benchmarks.profiling` (`make profile`).

One pass for all of them, in one process: CPU seconds of decoding, of the resize, of each expert's `prepare` and of its
`embed`, what one calls of another not counted twice. On generated clips of two sizes, or on the videos in a folder with
--videos FOLDER. Prints the table of benchmarks/README.md, and writes benchmarks/profiling.json.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.extraction import HERE, LIGHT, machine

SIZES = ((320, 240), (1280, 720))
CONFIGS = HERE.parent / "configs" / "experts"
REST = "sound, words, and all else"
LEAST = 0.005
"""Share of the pass below which a stage has no row of its own."""


class Stages:
    """CPU seconds of this process by stage; what runs inside of an inner stage counts there alone."""

    def __init__(self) -> None:
        self.cpu_s: Counter[str] = Counter()
        self._inner_s: list[float] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Context whose CPU seconds are those of the stage."""
        begun_s = time.process_time()
        self._inner_s.append(0.0)
        try:
            yield
        finally:
            spent_s = time.process_time() - begun_s
            self.cpu_s[name] += spent_s - self._inner_s.pop()
            if self._inner_s:
                self._inner_s[-1] += spent_s

    def timed(self, name: str, function: Any) -> Any:
        """The function, timed as a stage."""

        def timed(*arguments: Any, **options: Any) -> Any:
            with self.stage(name):
                return function(*arguments, **options)

        return timed

    def timed_steps(self, name: str, function: Any) -> Any:
        """The function, which returns an iterator, with each step of it timed as a stage."""

        def timed(*arguments: Any, **options: Any) -> Any:
            steps, end = iter(function(*arguments, **options)), object()
            step = self.timed(name, lambda: next(steps, end))
            return iter(step, end)

        return timed


def measure(files: list[Path], names: list[str]) -> dict[str, Any]:
    """{video_s, cpu_s: {stage: seconds}} of one pass over the files, after one over the first of them."""
    import cv2

    from extractors import registry
    from extractors.extraction import frame_views
    from extractors.extraction.batches import Batches
    from pipeline.media.video import probe
    from pipeline.running.cpu import prepare_for_networks

    prepare_for_networks()
    cv2.setNumThreads(1)  # as in each decode worker
    experts = [registry.expert(name, CONFIGS) for name in names]
    networks = {expert.name: Batches(expert, "cpu") for expert in experts}
    for network in networks.values():
        network.load()
    _pass(files[:1], experts, networks, Stages())
    stages = Stages()
    with ExitStack() as patches:
        for name, wrap, stage in (
            ("shown_at", stages.timed_steps, "decoding"),
            ("resize_shown", stages.timed, "colours and resize"),
        ):
            function = wrap(stage, getattr(frame_views, name))
            patches.enter_context(mock.patch.object(frame_views, name, function))
        for expert in experts:
            built = registry.rebuild(expert.id)
            timed = stages.timed(f"{expert.name}: prepare", built.prepare)
            patches.enter_context(mock.patch.object(built, "prepare", timed))
        with stages.stage(REST):
            _pass(files, experts, networks, stages)
    return {"video_s": round(sum(probe(file).duration_s for file in files), 2), "cpu_s": _rounded(stages.cpu_s)}


def _pass(files: list[Path], experts: list[Any], networks: dict[str, Any], stages: Stages) -> None:
    import numpy as np

    from extractors.extraction.segments import Segment, num_segments
    from extractors.extraction.views import prepare_segment
    from pipeline.media.video import probe

    ids = tuple(expert.id for expert in experts)
    for file in files:
        for index in range(num_segments(probe(file).duration_s)):
            prepared = prepare_segment(Segment(file, file.name, index, ids))
            for expert in experts:
                items, size = prepared[expert.name].items, expert.config.runtime.batch_size
                for at in range(0, len(items), size):
                    with stages.stage(f"{expert.name}: embed"):
                        networks[expert.name].embed(np.stack(items[at : at + size]))


def _rounded(cpu_s: Counter[str]) -> dict[str, float]:
    return {stage: round(spent_s, 3) for stage, spent_s in cpu_s.most_common()}


def table(path: Path) -> str:
    """CPU seconds a minute of video of each stage and their share, at each size, as Markdown; the costliest first."""
    told = json.loads(path.read_text(encoding="utf-8"))
    sizes = told["sizes"]
    totals = {size: sum(figures["cpu_s"].values()) for size, figures in sizes.items()}
    shares: dict[str, dict[str, float]] = {}
    for size, figures in sizes.items():
        for stage, cpu_s in figures["cpu_s"].items():
            shares.setdefault(stage, dict.fromkeys(sizes, 0.0))[size] = cpu_s / totals[size]
    lines = [f"| stage | {' | '.join(f'{size}: CPU s a minute | share' for size in sizes)} |"]
    lines.append("| --- |" + " ---: | ---: |" * len(sizes))
    minute_s = {size: 60 * totals[size] / figures["video_s"] for size, figures in sizes.items()}
    for stage in sorted(shares, key=lambda stage: -sum(shares[stage].values())):
        if max(shares[stage].values()) >= LEAST:
            cells = [f"{share * minute_s[size]:.2f} | {share:.0%}" for size, share in shares[stage].items()]
            lines.append(f"| {stage} | {' | '.join(cells)} |")
    whole = [f"{spent_s:.2f} | {60 / spent_s:.1f} times real time" for spent_s in minute_s.values()]
    lines.append(f"| all | {' | '.join(whole)} |")
    return "\n".join([*lines, "", f"On {told['machine']['cpu']}, one process, others busy on the same cores."])


def main() -> None:
    """Measures, prints the table, and writes the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experts", default=LIGHT, help="names with commas between")
    parser.add_argument("--videos", type=Path, help="a folder of videos, in place of the generated clips")
    parser.add_argument("--seconds", type=float, default=24.0, help="length of each of the generated clips")
    parser.add_argument("--count", type=int, default=2, help="how many videos of a size")
    parser.add_argument("--out", type=Path, default=HERE / "profiling.json")
    options = parser.parse_args()
    names, sizes = options.experts.split(","), {}
    with tempfile.TemporaryDirectory() as folder:
        if options.videos:
            files = sorted(path for path in options.videos.glob("*.*") if path.suffix in (".mp4", ".mkv", ".webm"))
            sizes[options.videos.name] = measure(files[: options.count], names)
        else:
            from benchmarks.gpu.videos import clips

            for size in SIZES:
                files = clips(Path(folder), size, options.seconds, options.count)
                sizes[f"{size[0]}x{size[1]}"] = measure(files, names)
    options.out.write_text(json.dumps({"machine": machine(), "sizes": sizes}, indent=1) + "\n", encoding="utf-8")
    print(table(options.out))


if __name__ == "__main__":
    main()
