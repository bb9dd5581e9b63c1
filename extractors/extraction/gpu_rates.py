"""What an extraction takes on a GPU, from what was measured on one; needs neither the GPU nor the videos."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError

MEASURED = Path("benchmarks/gpu.json")
"""What benchmarks/on_gpu.sh wrote, by the name of the GPU."""
ALL = "all in one pass"

HOW = (
    "benchmarks/on_gpu.sh measures them on a machine with a GPU, python -m benchmarks.gpu.keep OUT/gpu.json keeps them"
)


@dataclass(frozen=True)
class Rates:
    """How many times faster than real time experts are on a GPU, decoding and all."""

    gpu: str
    """Its whole name."""
    date: str
    cores: int
    """That decoded beside it."""
    alone: dict[str, float]
    """Of experts by name, each in a pass of its own."""
    fused: float | None
    """Of `together` in one pass; None where that was not measured."""
    together: tuple[str, ...]


@dataclass(frozen=True)
class Cost:
    """What one pass takes."""

    name: str
    """An expert, `ALL`, or which of them shared the pass."""
    times_real_time: float | None
    hours: float | None
    """Both None where nobody has measured it."""


def read_rates(path: Path, gpu: str) -> Rates | None:
    """The rates of the GPU whose name holds `gpu`, in small or capital letters; None where there are none.

    ConfigError for a file that is not what benchmarks/on_gpu.sh wrote, and where several GPUs are called so.
    """
    if not path.exists():
        return None
    try:
        runs: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found = [name for name in runs if gpu.lower() in name.lower()]
        if len(found) > 1:
            raise ConfigError(f"{path}: {gpu!r} is part of {', '.join(found)}; type more of the name")
        return _rates(found[0], runs[found[0]]) if found else None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path}: not written by benchmarks/on_gpu.sh: {type(error).__name__}: {error}") from None


def measured_gpus(path: Path) -> list[str]:
    """The names of those that there are rates of."""
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


def costs(rates: Rates, names: Sequence[str], hours: float) -> list[Cost]:
    """For each expert what `hours` of video take; last for those measured in one pass, if all of them are asked for."""
    told = [_cost(name, rates.alone.get(name), hours) for name in names]
    if rates.fused and set(rates.together) <= set(names):
        together = ALL if set(rates.together) == set(names) else f"{', '.join(sorted(rates.together))} in one pass"
        told.append(_cost(together, rates.fused, hours))
    return told


def _cost(name: str, rate: float | None, hours: float) -> Cost:
    return Cost(name, rate, hours / rate if rate else None)


def _rates(gpu: str, run: dict[str, Any]) -> Rates:
    figures = {step: told["figures"] for step, told in run["steps"].items()}
    alone = {name: float(one["pass"]["times_real_time"]) for name, one in figures.get("experts", {}).items()}
    fused = figures.get("fused", {}).get(ALL)
    rate, together = (float(fused["times_real_time"]), tuple(fused["experts"])) if fused else (None, ())
    return Rates(gpu, str(run["machine"]["date"]), int(run["machine"]["cores"]), alone, rate, together)
