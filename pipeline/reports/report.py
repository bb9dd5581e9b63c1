"""Writes an evaluation report as report.json (all numbers), report.html (tables and plots) and ranks.csv."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.stores import atomic, places

Report = Mapping[str, Any]
Place = tuple[float, int]
"""Mean rank (from 1) of a caption's video over all orders of equal scores; number of videos with exactly its score."""

TEMPLATE = Path(__file__).with_name("report.html")
FILES = ("report.json", "report.html", "ranks.csv")
"""Names of the files of a report."""
METRICS = ("R@1", "R@5", "R@10", "R@50", "MdR", "MnR", "geometric_mean")
RANK, EQUAL = "rank_seed_", "equal_seed_"
"""Columns of ranks.csv, followed by the seed: the two numbers of a `Place`."""
NUM_WORST = 25
COLOURS = ("#2563eb", "#f59e0b", "#10b981", "#e11d48", "#7c3aed", "#0891b2")


def write_report(folder: Path, report: Report) -> None:
    """Writes report.html, ranks.csv and report.json to `folder`, each atomically."""
    queries = report["queries"]
    body = {key: value for key, value in report.items() if key != "queries"} | {"warnings": warnings(report)}
    atomic.write_text(folder / "report.html", render(body, queries))
    atomic.write_text(folder / "ranks.csv", _ranks_csv(report["seeds"], queries))
    atomic.write_text(folder / "report.json", json.dumps(body, indent=1, ensure_ascii=False))


def read_report(folder: Path) -> dict[str, Any]:
    """The content of report.json."""
    report: dict[str, Any] = json.loads(places.fetched(folder / "report.json").read_text(encoding="utf-8"))
    return report


def read_ranks(folder: Path) -> Iterator[tuple[str, str, list[Place]]]:
    """Each line of ranks.csv: video, caption, and where the video stands with each seed."""
    with places.fetched(folder / "ranks.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            seeds = [key.removeprefix(RANK) for key in row if key.startswith(RANK)]
            stands = [(float(row[f"{RANK}{seed}"]), int(row[f"{EQUAL}{seed}"])) for seed in seeds]
            yield row["video"], row["caption"], stands


def warnings(report: Report) -> list[str]:
    """Warnings about what limits the meaning of the numbers, as sentences."""
    lines = list(report.get("partial", ()))
    if report.get("seeded"):
        lines.append(f"On stand-in weights, so that the numbers mean nothing: {', '.join(report['seeded'])}.")
    if report["blind"]:
        lines.append(
            f"{len(report['blind'])} videos of the {report['split']} split take no part, because no expert could see "
            f"them: {', '.join(report['blind'][:5])}{' ...' if len(report['blind']) > 5 else ''}"
        )
    lines += _near_duplicates(report)
    compared = [row for row in report.get("untrained", {}).values() if "gain" in row]
    lines += [_below(row) for row in compared if row["gain"]["R@1"]["mean"] < 0]
    if below := below_untrained(report):
        lines.append(f"The trained model is {below}.")
    kept = list(report.get("kept", {}).values())
    if same := kept.count(0):
        lines.append(
            f"Training added nothing sure on the validation split in {same} of {len(kept)} seeds, which are what the "
            "model began with (epoch 0): the untrained fusion."
        )
    if len(report["seeds"]) < 3 and not report["selection"].startswith("none:"):
        lines.append("Fewer than three seeds: the spread says little.")
    if report["gallery"]["videos"] < 50:
        lines.append(f"Only {report['gallery']['videos']} videos to choose from: recalls are high by chance alone.")
    return lines


def _near_duplicates(report: Report) -> list[str]:
    """That videos of the evaluated split are almost in the training split, in words; empty where none is known of."""
    near, split = report.get("duplicates", {}).get("near", {}), report["split"]
    if near.get("lacks"):
        return [f"Near-duplicates were not looked for: {near['lacks']}."]
    count = near.get("in_train", {}).get(split, 0)
    if not count:
        return []
    pairs = (pair["videos"] for pair in near["pairs"] if set(pair["splits"]) == {"train", split})
    example = next((f", e.g. {' and '.join(names)}" for names in pairs), "")
    return [
        f"{count} of {near['videos'][split]} videos of the {split} split are near-duplicates of training videos (by a "
        f"cosine of {near['expert']} {near['threshold']:g} or more{example}): recalls may be too high."
    ]


def below_untrained(report: Report) -> str:
    """Which rows without training are above the trained model on the validation split, in words; empty for none."""
    rows = [(row["label"], row["validation"]) for row in report.get("untrained", {}).values() if "validation" in row]
    above = [f"{label} ({of['untrained']:.1f})" for label, of in rows if of["untrained"] > of["trained"]]
    if not above:
        return ""
    trained = f"{rows[0][1]['trained']:.1f}, geometric mean of R@1, R@5 and R@10"
    return f"below what needs no training on the validation split ({trained}): {', '.join(above)}"


def _below(row: Mapping[str, Any]) -> str:
    """That the trained model finds less than a row without training, whose `gain` is below 0."""
    gain = row["gain"]["R@1"]
    return (
        f"The trained model is below {row['label']}, which needs no training: R@1 {gain['mean']:.1f} points "
        f"(95 % interval {gain['low']:.1f} to {gain['high']:.1f}, p = {gain['p']:.2g})."
    )


def render(body: Mapping[str, Any], queries: list[dict[str, Any]]) -> str:
    """The self-contained HTML page, without scripts and links; names and captions are escaped."""
    from jinja2 import Environment, StrictUndefined, select_autoescape

    page = Environment(autoescape=select_autoescape(default=True), undefined=StrictUndefined).from_string(
        TEMPLATE.read_text(encoding="utf-8")
    )
    plots = {
        "recall": _plot(lambda axes: _draw_recall(axes, body)),
        "ranks": _plot(lambda axes: _draw_ranks(axes, body["rank_histogram"])),
    }
    if body["training"]:
        plots["training"] = _plot(lambda axes: _draw_training(axes, body["training"]))
    return page.render(
        report=body, metrics=METRICS, plots=plots, failures=_by_video(body["failures"]), worst=_worst(queries)
    )


def _by_video(failures: list[dict[str, str]]) -> list[dict[str, Any]]:
    """The failures grouped by video and reason, each with the experts that failed."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for row in failures:
        grouped.setdefault((row["video"], row["reason"]), []).append(row["expert"])
    return [{"video": video, "reason": why, "experts": names} for (video, why), names in sorted(grouped.items())]


def _worst(queries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ranked = [query | {"rank": sum(query["ranks"]) / len(query["ranks"])} for query in queries]
    return sorted(ranked, key=lambda query: -query["rank"])[:NUM_WORST]


def _ranks_csv(seeds: list[int], queries: list[dict[str, Any]]) -> str:
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(["video", "caption", "tags", *(f"{name}{seed}" for name in (RANK, EQUAL) for seed in seeds)])
    for query in queries:
        writer.writerow([query["video"], query["caption"], ";".join(query["tags"]), *query["ranks"], *query["equal"]])
    return lines.getvalue()


def _plot(draw: Callable[[Any], None]) -> str:
    """An SVG plot of 8 x 3 inches, without the XML declaration, which HTML does not allow."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "report", "svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif"}):
        figure = Figure(figsize=(8, 3), layout="constrained")
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        svg = io.StringIO()
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    text = svg.getvalue()
    return text[text.index("<svg") :]


def _legend_above(axes: Any) -> None:
    """Puts the legend above the plot, where it covers nothing."""
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=6)


def _draw_recall(axes: Any, body: Mapping[str, Any]) -> None:
    names = [name for name in METRICS if name in body["chance"]]
    for index, (direction, label) in enumerate((("t2v", "caption finds video"), ("v2t", "video finds caption"))):
        places = [place + 0.36 * index for place in range(len(names))]
        means = [body[direction][name]["mean"] for name in names]
        spreads = [body[direction][name]["std"] for name in names]
        axes.bar(places, means, 0.34, yerr=spreads, capsize=2, color=COLOURS[index], label=label)
    chance = [body["chance"][name] for name in names]
    starts, ends = [place - 0.24 for place in range(len(names))], [place + 0.6 for place in range(len(names))]
    axes.hlines(chance, starts, ends, colors="#111827", linestyles="--", lw=1.4, label="chance")
    axes.set_xticks([place + 0.18 for place in range(len(names))], names)
    axes.set(ylabel="recall (%)", ylim=(0, 105))
    _legend_above(axes)


def _draw_ranks(axes: Any, histogram: list[dict[str, float]]) -> None:
    labels = [
        f"{bar['first']}" if bar["first"] == bar["last"] else f"{bar['first']}-{bar['last']}" for bar in histogram
    ]
    bars = axes.bar(range(len(histogram)), [bar["percent"] for bar in histogram], color=COLOURS[0])
    axes.bar_label(bars, fmt="%.0f%%", fontsize=8, padding=2)
    axes.set_xticks(range(len(histogram)), labels)
    axes.set(xlabel="rank of the right video", ylabel="captions (%)")
    axes.margins(y=0.15)


def _draw_training(axes: Any, training: Mapping[str, list[dict[str, float]]]) -> None:
    losses = axes.twinx()
    losses.spines[["top", "left"]].set_visible(False)
    for index, (seed, curve) in enumerate(training.items()):
        colour = COLOURS[index % len(COLOURS)]
        epochs = [point["epoch"] for point in curve]
        axes.plot(epochs, [point["geometric_mean"] for point in curve], color=colour, lw=1.4, label=f"seed {seed}")
        losses.plot(epochs, [point["loss"] for point in curve], color=colour, lw=0.8, ls=":")
    axes.set(xlabel="epoch", ylabel="validation geometric mean (%)")
    losses.set(ylabel="training loss (dotted)")
    _legend_above(axes)
