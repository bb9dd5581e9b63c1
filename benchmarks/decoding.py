"""Measures the reading of frames beside other decoders: `python -m benchmarks.decoding` (`make bench-decoding`).

The frames at given times of a video, resized: CPU seconds of ours (the path of a decode worker: the file is looked
through, and its frames are read, shown as a player would, and resized), and of ffmpeg, PyAV and torchcodec, where they
are here (`pip install torchcodec imageio-ffmpeg`). One thread each, in turns, the median; imports are not counted. What
they show must be the same: what does not is left out, and told. On generated videos, or on those in a folder with
--videos FOLDER. Prints the table of benchmarks/README.md, and writes benchmarks/decoding.json.
"""

import argparse
import json
import resource
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.decoding_peers import PEERS, Asked, Frames, missing, with_libraries
from benchmarks.extraction import HERE, machine

OURS = "ours"
RATES = ("1", "2", "5", "all")
SHORT_PX = 240
"""Short side of the resized frames; half of it for videos that are no larger."""
NEAR = 6.0
"""Levels of 255 by which the frames of two readers may differ in the mean; neighbouring frames differ by more."""


def by_us(asked: Asked) -> Frames:
    """As a decode worker reads a file for one expert."""
    from extractors.base import FrameNeed
    from extractors.extraction.segments import Segment, num_segments
    from extractors.extraction.views import decode_views
    from pipeline.media.video import probe

    need = FrameNeed(asked.fps, min(asked.size))
    info = probe(asked.path, reads_on=True)
    frames: Frames = []
    for index in range(num_segments(info.duration_s)):
        view: Any = decode_views(Segment(asked.path, "", index, ()), info, {need})[need].view
        frames += [view.frames[start] for start in view.starts]
    return frames


READERS: dict[str, Callable[[Asked], Frames]] = {OURS: by_us, **PEERS}


def asked_of(path: Path, rate: str) -> Asked:
    """What is asked of every reader: the frames at the rate, "all" for the video's own, on ours's grid of times."""
    import av

    from extractors.base import FrameNeed
    from extractors.extraction.frame_grid import grid_of
    from extractors.extraction.resize import Resize, resize_frame
    from pipeline.media.video import frames_at, probe

    with av.open(str(path)) as container:
        own_fps = float(container.streams.video[0].average_rate)
    info = probe(path)
    fps = own_fps if rate == "all" else float(rate)
    short_px = SHORT_PX if min(info.width_px, info.height_px) > SHORT_PX else SHORT_PX // 2
    need = FrameNeed(fps, short_px)
    first = next(pixels for _, pixels in frames_at(path, info.frame_times_s[:1], info))
    height, width = resize_frame(first, Resize.of(need)).shape[:2]
    return Asked(path, grid_of(need, info, (0.0, np.inf)).times_s, fps, (width, height))


def measure(asked: Asked, names: list[str], runs: int) -> dict[str, Any]:
    """Figures of the readers in turns: median of their CPU seconds, and by how many levels they differ from ours.

    Those that show other frames have no CPU seconds, and stand below "other frames" with what is wrong.
    """
    cpu_s: dict[str, list[float]] = {name: [] for name in names}
    shown: dict[str, Frames] = {}
    for _ in range(runs):
        for name in names:
            begun_s = _cpu_s(name)
            shown[name] = READERS[name](asked)
            cpu_s[name].append(_cpu_s(name) - begun_s)
    levels = {name: difference(shown[OURS], shown[name]) for name in names if name != OURS}
    wrong = {name: found for name, found in levels.items() if isinstance(found, str)}
    return {
        "frames": len(asked.times_s),
        "size": list(asked.size),
        "cpu_s": {name: round(statistics.median(cpu_s[name]), 4) for name in names if name not in wrong},
        "difference": {name: found for name, found in levels.items() if name not in wrong},
        "other frames": wrong,
    }


def _cpu_s(name: str) -> float:
    """CPU seconds of this process so far, or of the programs that it has run."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN if name == "ffmpeg" else resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def difference(ours: Frames, theirs: Frames) -> float | str:
    """Mean difference of the frame that differs most, in levels of 255; or why they are not the same frames."""
    if len(ours) != len(theirs):
        return f"{len(theirs)} frames where ours are {len(ours)}"
    most = max(float(np.abs(one.astype(np.int16) - other).mean()) for one, other in zip(ours, theirs, strict=True))
    return round(most, 2) if most <= NEAR else f"a frame differs by {most:.1f} of 255 levels"


def table(path: Path) -> str:
    """CPU seconds a minute of video for each video and rate, as Markdown; ours against the best of the others."""
    told = json.loads(path.read_text(encoding="utf-8"))
    names = told["readers"]
    lines = [f"| video | frames a second | {' | '.join(names)} | ours to the best other |"]
    lines.append("| --- | ---: |" + " ---: |" * (len(names) + 1))
    for row in told["rows"]:
        minute_s = {name: f"{60 * cpu_s / row['video_s']:.2f}" for name, cpu_s in row["cpu_s"].items()}
        cells = [minute_s.get(name, "other frames") for name in names]
        lines.append(f"| {row['video']} | {row['rate']} | {' | '.join(cells)} | {ratio(row)} |")
    lacks = f" Not at hand: {', '.join(told['missing'])}." if told["missing"] else ""
    return "\n".join(
        [*lines, "", f"CPU seconds a minute of video, on {told['machine']['cpu']}, one thread each.{lacks}"]
    )


def ratio(row: dict[str, Any]) -> str:
    """CPU seconds of ours to those of the best other reader; "none" where all others show other frames."""
    others = [cpu_s for name, cpu_s in row["cpu_s"].items() if name != OURS]
    return f"{row['cpu_s'][OURS] / min(others):.2f}" if others else "none"


def rows_of(path: Path, names: Sequence[str], rates: Sequence[str], runs: int) -> list[dict[str, Any]]:
    """The figures of a video at each of the rates."""
    from pipeline.media.video import probe

    for name in names:  # the first use imports
        READERS[name](asked_of(path, "1"))
    rows = []
    for rate in rates:
        video = {"video": path.stem, "rate": rate, "video_s": round(probe(path).duration_s, 2)}
        rows.append(video | measure(asked_of(path, rate), list(names), runs))
        print(rows[-1], file=sys.stderr, flush=True)
    return rows


def main() -> None:
    """Measures, prints the table, and writes the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=Path, help="a folder of videos, in place of the generated ones")
    parser.add_argument("--folder", type=Path, default=HERE.parent / "data" / "decoding", help="of the generated ones")
    parser.add_argument("--seconds", type=float, default=8.0, help="length of the generated ones")
    parser.add_argument("--rates", default=",".join(RATES), help="frames a second, with commas between")
    parser.add_argument("--only", default="", help="a part of the names of the videos to measure")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "decoding.json")
    options = parser.parse_args()
    with_libraries(options.folder.resolve() / "libraries")
    import av
    import cv2
    import torch

    from pipeline.errors import PipelineError

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    names = [name for name in READERS if name not in (lacks := missing())]
    if options.videos:
        files = sorted(path for path in options.videos.glob("*.*") if path.suffix in (".mp4", ".mkv", ".webm", ".avi"))
    else:
        from benchmarks.decoding_videos import videos

        files = videos(options.folder, options.seconds)
    rows = []
    for path in (path for path in files if options.only in path.name):
        try:
            rows += rows_of(path, names, options.rates.split(","), options.runs)
        except (av.FFmpegError, PipelineError) as error:
            print(f"left out, since it cannot be read: {path}: {error}", file=sys.stderr, flush=True)
    result = {"machine": machine(), "readers": names, "missing": lacks, "runs": options.runs, "rows": rows}
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(table(options.out))


if __name__ == "__main__":
    main()
