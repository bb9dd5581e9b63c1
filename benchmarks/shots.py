"""Measures how well the shot experts find the boundaries of films that are made of demo videos.

`python -m benchmarks.shots`, after `luigi --module tasks MakeDemo`. Three kinds of film, 320 x 240: demo videos as they
are (12 frames a second), joined packet by packet; the same drawn at 25 frames a second with a hard cut after each; and
those with a dissolve or a fade through black of half a second to a second after each. A boundary is found where what
lies between two shots of the expert comes within TOLERANCE_S of the transition; each counts once. Prints a table, and
writes benchmarks/shots.json.
"""

import argparse
import itertools
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from extractors import registry
from extractors.extraction.one_pass import PassOptions, Wanted, extract
from pipeline.datasets.annotations import load_dataset
from pipeline.datasets.manifest import Video
from pipeline.demo.draw import frames
from pipeline.demo.make import all_facts
from pipeline.media.video import probe
from pipeline.running.cpu import prepare_for_networks
from pipeline.stores import parts

EXPERTS = ("shots_light", "shots")
TOLERANCE_S = 0.1
FPS = 25
NUM_JOINED, NUM_DRAWN = 60, 30
GRADUAL = (("dissolve", 12), ("fade", 12), ("dissolve", 25), ("fade", 25))
"""Kind and length in frames of the transitions, in turn."""
RESULTS = Path("benchmarks/shots.json")

Span = tuple[float, float]
"""Start and end of a transition in seconds; equal for a cut."""


def joined(videos: Sequence[Path], path: Path) -> list[Span]:
    """Writes the pictures of the videos one after another, as they are encoded; returns where one follows another."""
    ends_s: list[float] = []
    with av.open(str(path), "w") as out:
        stream, offset = None, 0
        for video in videos:
            with av.open(str(video)) as source:
                picture = source.streams.video[0]
                stream = stream or out.add_stream_from_template(picture)
                assert picture.time_base is not None
                packets = [packet for packet in source.demux(picture) if packet.pts is not None]
                for packet in packets:
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    packet.stream = stream
                    out.mux(packet)
                offset += sum(packet.duration or 0 for packet in packets)
                ends_s.append(float(offset * picture.time_base))
    return [(end_s, end_s) for end_s in ends_s[:-1]]


def drawn(clips: Sequence[Iterable[NDArray[np.uint8]]], kinds: Sequence[tuple[str, int]], path: Path) -> list[Span]:
    """Writes the clips one after another with these transitions between them, in turn, and returns where those are."""
    spans: list[Span] = []
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options={"preset": "veryfast"})
        stream.pix_fmt = "yuv420p"
        for number, picture in enumerate(_film(clips, kinds, spans)):
            if not number:
                stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return spans


def _film(
    clips: Sequence[Iterable[NDArray[np.uint8]]], kinds: Sequence[tuple[str, int]], spans: list[Span]
) -> Iterator[NDArray[np.uint8]]:
    """The frames of the film; adds its transitions to `spans` as they come."""
    count, rest = 0, list(clips[0])
    for clip, (kind, length) in zip(clips[1:], itertools.cycle(kinds), strict=False):
        following = list(clip)
        spans.append(((count + len(rest) - length) / FPS, (count + len(rest)) / FPS))
        yield from rest[: len(rest) - length]
        for step in range(length):
            yield _between(rest[len(rest) - length + step], following[step], kind, (step + 1) / (length + 1))
        count, rest = count + len(rest), following[length:]
    yield from rest


def _between(before: NDArray[np.uint8], after: NDArray[np.uint8], kind: str, share: float) -> NDArray[np.uint8]:
    """The frame at this share of a transition: both mixed, or through black."""
    through_black = max(0.0, 1 - 2 * share), max(0.0, 2 * share - 1)
    weights = (1 - share, share) if kind == "dissolve" else through_black
    return (weights[0] * before + weights[1] * after).astype(np.uint8)


def found(name: str, path: Path) -> list[Span]:
    """What lies between the shots that an expert finds in a film."""
    expert = registry.expert(name)
    info = probe(path)
    video = Video(path.name, path.name, "", (), info.duration_s, True, False, False, seekable=info.seekable)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        wanted = [Wanted(expert, store, frozenset([video.content]))]
        errors = extract(wanted, [(path, video)], PassOptions(os.cpu_count() or 1, 600.0, 64, "cpu"))
        if errors:
            raise SystemExit(str(errors))
        shots = parts.read_features(store, video.content)
        assert shots is not None
        times_s = shots.times_s.tolist()
    return [(before[1], after[0]) for before, after in itertools.pairwise(times_s)]


def hits(truth: Sequence[Span], answers: Sequence[Span], tolerance_s: float = TOLERANCE_S) -> int:
    """How many transitions are found: both in order, each transition takes the first answer that meets it."""
    number, place = 0, 0
    for start_s, end_s in truth:
        while place < len(answers) and answers[place][1] < start_s - tolerance_s:
            place += 1
        if place < len(answers) and answers[place][0] <= end_s + tolerance_s:
            number, place = number + 1, place + 1
    return number


def scored(truth: Sequence[Span], answers: Sequence[Span]) -> dict[str, float]:
    """Precision, recall and F1, 1 being all; 0 where there is nothing to divide by."""
    number = hits(truth, answers)
    precision, recall = number / max(1, len(answers)), number / max(1, len(truth))
    f1 = 2 * number / max(1, len(answers) + len(truth))
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def main() -> None:
    """Prints a line for each film and expert."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--joined", type=int, default=NUM_JOINED, help="videos of the first film")
    parser.add_argument("--drawn", type=int, default=NUM_DRAWN, help="videos of the other two")
    parser.add_argument("--experts", nargs="+", default=EXPERTS, choices=EXPERTS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    prepare_for_networks()
    dataset = load_dataset("demo", Path("configs/datasets"))
    settings = dataset.demo
    assert settings is not None
    facts = all_facts(settings)[:-1]
    videos = [Path(dataset.videos) / f"{one.name}.mp4" for one in facts[: options.joined]]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        size = settings.width_px, settings.height_px
        films = {
            "demo videos, joined": lambda path: joined(videos, path),
            "drawn anew, cuts": lambda path: drawn(
                [frames(one, *size, FPS) for one in facts[: options.drawn]], [("cut", 0)], path
            ),
            "drawn anew, dissolves and fades": lambda path: drawn(
                [frames(one, *size, FPS) for one in facts[: options.drawn]], GRADUAL, path
            ),
        }
        for number, (film, make) in enumerate(films.items()):
            path = Path(folder) / f"{number}.mp4"
            truth = make(path)
            for name in options.experts:
                answers = found(name, path)
                row = {"film": film, "expert": name, "boundaries": len(truth), "answers": len(answers)}
                rows.append(row | scored(truth, answers))
                print(rows[-1], flush=True)
    told = {"tolerance_s": TOLERANCE_S, "rows": rows}
    options.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
