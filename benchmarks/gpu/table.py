"""The figures of a GPU in words: the page of a run, and the README's table. Needs no library."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Run = dict[str, Any]

TITLES = {
    "checks": "Tests that need a GPU",
    "experts": "Experts, each alone",
    "fused": "All in one pass",
    "training": "Training and metrics",
    "search": "Exact search",
}
WAITS = ("waiting_for_decoding", "waiting_for_networks", "networks_idle")
NOTE = (
    "Generated clips, stand-in weights. Alone: full batches that are in memory; in a pass: with decoding, beyond the "
    "start of the workers; there the kernels' share is what they took alone. Shares are of the wall time. Whisper's "
    "stand-ins end after 60 tokens, those of EasyOCR find no text: reading it comes on top."
)
NOTHING = (
    "`benchmarks/on_gpu.sh OUT` tests and measures all of it on a GPU in nine minutes. No whole run of it is kept yet; "
    "what was measured on an H200 by parts of it is in `benchmarks/README.md`."
)


def page(run: Run) -> list[str]:
    """All that was measured, and all that was not with the reason."""
    lines = [f"# {heading(run)}", "", *facts(run), ""]
    for name, step in run["steps"].items():
        lines += [f"## {TITLES.get(name, name)}: {step['status']}, {step['took_s']:.0f} s", ""]
        lines += [*TABLES.get(name, plain)(step["figures"]), ""] if step["figures"] else []
        lines += [f"- left out: {what}: {reason}" for what, reason in step["left_out"].items()]
        lines += [""] if step["left_out"] else []
    return lines


def heading(run: Run) -> str:
    """What it was measured on, and when."""
    machine = run["machine"]
    small = " (small: the figures only show that the steps run)" if run["small"] else ""
    return f"{machine['gpu'] if machine['gpu'] != 'none' else 'No GPU'}, {machine['date']}{small}"


def facts(run: Run) -> list[str]:
    """The rest of the machine, in a line."""
    return [", ".join(f"{name} {value}" for name, value in run["machine"].items() if name not in {"gpu", "date"})]


def experts_table(figures: dict[str, Any]) -> list[str]:
    """An expert a row."""
    heads = ("expert", "item", "items/s alone", "kernels, copies", "times real time in a pass", "kernels", "start, s")
    heads += ("waits for decoding, for networks; networks idle", "GPU MB")
    return table(heads, (row for name, one in figures.items() for row in expert_row(name, one)))


def expert_row(name: str, one: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Of an expert alone, or of all in one pass."""
    alone, whole = one.get("alone", {}), one.get("pass", one)
    shares = alone.get("shares")
    inside = f"{shares['kernels']:.0%}, {shares['copies']:.0%}" if shares else ""
    waits = ", ".join(f"{whole['waits'][wait]:.0%}" for wait in WAITS)
    kernels = f"{whole['kernels']:.0%}" if "kernels" in whole else ""
    memory = max((told["gpu_mb"] or 0 for told in (alone, whole) if "gpu_mb" in told), default=0)
    yield (
        name, one.get("item", ""), number(alone.get("items_per_s")), inside, number(whole["times_real_time"]),
        kernels, number(whole["start_s"]), waits, number(memory or None),
    )  # fmt: skip


def training_table(figures: dict[str, Any]) -> list[str]:
    """A precision and batch a row, and the metrics."""
    steps = {name: one for name, one in figures.items() if "epoch_s" in one}
    rows = (
        (name, number(one["parameters_million"]), number(one["steps_per_s"]), number(one["epoch_s"]),
         number(one["gpu_mb"]))
        for name, one in steps.items()
    )  # fmt: skip
    heads = ("training", "million parameters", "steps/s", "s an epoch", "GPU MB")
    others = {name: one for name, one in figures.items() if name not in steps}
    return [*table(heads, rows), *([""] if others else []), *plain(others)]


def plain(figures: dict[str, Any]) -> list[str]:
    """Name and figures, a line each."""
    return [f"- {name}: {', '.join(told(key, value) for key, value in one.items())}" for name, one in figures.items()]


def told(key: str, value: Any) -> str:
    """One figure."""
    words = key.replace("_", " ")
    if isinstance(value, list):
        return f"{words}: {', '.join(value) or 'none'}"
    return f"{words} {number(value)}"


TABLES = {"experts": experts_table, "fused": experts_table, "training": training_table}


def number(value: Any) -> str:
    """As short as it is true; nothing where nothing was measured."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def table(heads: tuple[str, ...], rows: Any) -> list[str]:
    """As Markdown."""
    body = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads), *body]


def readme(path: Path) -> str:
    """The README's part, from a kept gpu.json: each GPU with its tables, or that there is none yet."""
    if not path.exists():
        return NOTHING
    lines = []
    for run in json.loads(path.read_text(encoding="utf-8")).values():
        lines += [f"{heading(run)}; {facts(run)[0]}.", "", NOTE, ""]
        for name in ("experts", "fused", "training", "search"):
            figures = run["steps"].get(name, {}).get("figures", {})
            lines += [*TABLES.get(name, plain)(figures), ""] if figures else []
        lines += [f"Not measured: {', '.join(missing(run))}.", ""] if missing(run) else []
    return "\n".join(lines).strip()


def missing(run: Run) -> list[str]:
    """Steps that did not come to their end, and what was left out."""
    steps = [f"{TITLES[name]} ({one['status']})" for name, one in run["steps"].items() if one["status"] != "done"]
    return steps + [f"{what} ({why})" for one in run["steps"].values() for what, why in one["left_out"].items()]
