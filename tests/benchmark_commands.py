"""The benchmarks that README, manual and Makefile name, each with what makes it small and what it then prints."""

import re
import subprocess
from dataclasses import dataclass

from tests.test_readme import PAGES, ROOT


@dataclass(frozen=True)
class Small:
    """How a benchmark is run in some seconds."""

    options: str
    """What is typed behind its name; {out} is the file of figures, {videos} a folder with videos."""
    printed: str
    """A pattern of the last things that it prints."""
    kept: str = ""
    """The file of figures in benchmarks/ that it writes at full size; empty where it writes none."""


SMALL = {
    "python benchmarks/extraction.py": Small(
        "--videos '{videos}' --count 2 --experts rgb_light --workers 1 --out {out}",
        r"\| rgb_light \| [\d.]+ \|",
        "extraction_light.json",
    ),
    "python -m benchmarks.extraction": Small(
        "--size 64x48 --count 1 --experts rgb_light --workers 1 --out {out}",
        r"\| rgb_light \| [\d.]+ \|",
        "extraction_light_720p.json",
    ),
    "python benchmarks/training.py": Small(
        "--experts audio face --videos 8 --batch 4 --steps 1 --gating sequential --precision fp32 --out {out}",
        r"sequential +fp32 +4 +[\d.]+ .*\([\d.]+ times\)",
        "training.json",
    ),
    "python benchmarks/metrics.py": Small("--videos 60 --out {out}", "intervals of 3 seeds +[0-9.]+", "metrics.json"),
    "python benchmarks/search_index.py": Small("1000 --out {out}", '"frequent_words"', "search_index.json"),
    "python benchmarks/planning.py": Small("400 --out {out}", r"400 index +[\d.]+ s", "planning.json"),
    "python -m benchmarks.growth": Small(
        "--size 30 --added 3 --rounds 1 --experts rgb_light --out {out}",
        r"\*\*all of it by `BuildIndex --trained-on`\*\* \| [\d.]+ \| [\d.]+ \| [\d.]+ \|",
        "growth.json",
    ),
    "python -m benchmarks.long_video": Small(
        "--seconds 60 --rounds 2 --out {out}", r"\| the index: kB \| [\d.]+ \| [\d.]+ \|", "long_video.json"
    ),
    "python benchmarks/engines.py": Small(
        "--videos '{videos}' --count 10 --per-chunk 2 --rounds 1 --out {out}",
        r"Overhead of ray, later, by round: ",
        "engines.json",
    ),
    "python benchmarks/ab.py": Small(
        "--seeds 1 --grid-seeds 1 --rates 0.01 --out {out}", r"running mean \(0.98\) .* p = [01]\.\d", "ab.json"
    ),
    "python benchmarks/search_page.py": Small("30 --queries 2 --out {out}", '"hits": [0-9.]+', "search_page.json"),
    "python -m benchmarks.rankings_page": Small("--videos 40", r"#text=harbour: [\d.]+ to [\d.]+ s"),
    "python benchmarks/label_words.py": Small("2000", r"2,000 frames: ranked in [\d.]+ ms"),
    "python benchmarks/demo_words.py": Small("", r"only spoken: \d+ of \d+ words find"),
    "python benchmarks/demo_moments.py": Small("", r"is said: \d+ queries, \d+ videos shown"),
    "python benchmarks/fusion.py": Small("--seeds 1 --out {out}", r"[Ss]elector.*\d+\.\d", "fusion.json"),
    "python -m benchmarks.shots": Small(
        "--joined 4 --drawn 3 --experts shots_light --out {out}", r"dissolves and fades.*'f1': [\d.]+", "shots.json"
    ),
    "python -m benchmarks.profiling": Small(
        "--videos '{videos}' --count 1 --experts rgb_light --out {out}",
        r"\| all \| [\d.]+ \| [\d.]+ times real time \|",
        "profiling.json",
    ),
    "python -m benchmarks.decoding": Small(
        "--videos '{videos}' --rates 1 --runs 1 --out {out}", r"\| \S+ \| 1 \| [\d.]+ \|", "decoding.json"
    ),
    "python -m benchmarks.cpu_networks": Small(
        "--rounds 1 --only BERT --out {out}", r"\| BERT[^|]* \| [\d.]+ \| [\d.]+ \| [\d.]+ \|", "cpu_networks.json"
    ),
    "python -m benchmarks.peers": Small(
        "--networks vggish --rounds 1 --seconds 2 --out {out}",
        r"\| VGGish \| [\d.]+ \| [\d.]+ \| [\d.]+ \|",
        "peers.json",
    ),
    "python -m benchmarks.startup": Small(
        "--runs 1 --only ListExperts --out {out}", r"\| ListExperts \| [\d.]+ \|", "startup.json"
    ),
    "python benchmarks/search_weights.py": Small("", r"offset 20 +R@1 +[\d.]+  R@10"),
}

ELSEWHERE = {
    "benchmarks/on_gpu.sh": ("tests/benchmarks/gpu/test_run.py", '"--small"'),
    "python -m benchmarks.stamps.run": ("tests/test_commands.py", "photographs.installed()"),
}
"""Beginning of a command -> the file of the test that runs it otherwise, and a word that stands there."""

_TARGET = re.compile(r"`make (bench[a-z-]*)`")
_TYPED = re.compile(r"((?:\.venv/bin/)?python (?:-m benchmarks\.[\w.]+|benchmarks/\w+\.py)|benchmarks/\w+\.sh)")
_NO_SETUP = ("-o", ".venv/.installed", "-o", ".venv/.installed-dev")
"""So that `make` prints nothing of setting up the environment."""


def named() -> set[str]:
    """The benchmarks that the pages name, themselves or by what `make` runs, without their options."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    targets = sorted({"bench", *_TARGET.findall(text)})
    run = subprocess.run(["make", "-n", *_NO_SETUP, *targets], cwd=ROOT, capture_output=True, text=True, check=True)
    return {found.removeprefix(".venv/bin/") for found in _TYPED.findall(f"{text}\n{run.stdout}")}
