"""The table of all results as rows of text, as Markdown and as LaTeX."""

from collections.abc import Callable, Sequence

from pipeline.reports.results import Mean, Result
from pipeline.texts.cells import latex_cell, markdown_cell

METRIC_COLUMNS = (
    *(("t2v", name) for name in ("R@1", "R@5", "R@10", "nDCG@10")),
    *(("v2t", name) for name in ("R@1", "R@10")),
)
"""(direction, metric)"""
TEXT_COLUMNS = ("dataset", "model", "kind", "split")
COLUMNS = (
    *TEXT_COLUMNS, "epoch by", "captions", "videos", *(f"{direction} {name}" for direction, name in METRIC_COLUMNS),
)  # fmt: skip
TITLE = "Mean (std) over the seeds; without (std) where none was published"


def row(result: Result) -> tuple[str, ...]:
    """The cells of a result, one for each of COLUMNS; empty where a thing is not known."""
    model = f"{result.model}, {result.origin}" if result.is_published else result.model
    sizes = [str(size or "") for size in (result.captions, result.videos)]
    metrics = [_mean(getattr(result, direction).get(name)) for direction, name in METRIC_COLUMNS]
    return (result.dataset, model, result.kind, result.split, result.selection, *sizes, *metrics)


def _mean(value: Mean | None) -> str:
    if value is None:
        return ""
    mean, std = value
    return f"{mean:.1f}" if std is None else f"{mean:.1f} ({std:.1f})"


def markdown(results: Sequence[Result]) -> str:
    """A table in GitHub's Markdown."""
    aligned = ["---" if column in TEXT_COLUMNS else "---:" for column in COLUMNS]
    lines = [COLUMNS, aligned, *_escaped(results, markdown_cell)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def latex(results: Sequence[Result]) -> str:
    r"""A tabular for LaTeX with \usepackage{booktabs} (and \usepackage[T1]{fontenc} for quotes in names)."""
    aligned = "".join("l" if column in TEXT_COLUMNS else "r" for column in COLUMNS)
    head, *body = [f"{' & '.join(line)} \\\\\n" for line in (map(latex_cell, COLUMNS), *_escaped(results, latex_cell))]
    return (
        f"\\begin{{tabular}}{{{aligned}}}\n\\toprule\n{head}\\midrule\n{''.join(body)}\\bottomrule\n\\end{{tabular}}\n"
    )


def _escaped(results: Sequence[Result], escape: Callable[[str], str]) -> list[list[str]]:
    return [[escape(text) for text in row(result)] for result in results]
