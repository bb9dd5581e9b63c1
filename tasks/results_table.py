"""Task that prints all results so far beside the published ones."""

import luigi

from pipeline.reports.results import Result, ours, published, write_csv
from tasks.console.terminal import print_table, tell
from tasks.dataset_task import RunsEachTime, remakes_damaged
from tasks.plan.settings import Paths

METRIC_COLUMNS = (("t2v", "R@1"), ("t2v", "R@5"), ("t2v", "R@10"), ("t2v", "MdR"), ("v2t", "R@1"), ("v2t", "R@10"))
"""(direction, metric)"""


class ResultsTable(RunsEachTime, luigi.Task):
    """Prints the newest reports of all datasets and models beside the published numbers. Runs nothing else."""

    keeps_log = False

    @remakes_damaged
    def run(self) -> None:
        """Prints the table, and writes results.csv, which has more columns."""
        layout = Paths().layout
        unsorted = [*ours(layout.store), *published(layout.configs / "published.yaml")]
        results = sorted(unsorted, key=lambda result: (result.dataset, result.split, result.model))
        columns = ["dataset", "model", "split", "epoch by", "captions", "videos"]
        metrics = [f"{direction} {name}" for direction, name in METRIC_COLUMNS]
        print_table("Mean (std) over the seeds", [*columns, *metrics], [_cells(result) for result in results], 4)
        path = layout.store / "results.csv"
        write_csv(path, results)
        tell(f"With more columns: {path}")
        self.has_run = True


def _cells(result: Result) -> tuple[str, ...]:
    # A published result, which has no count of videos, is named with its source.
    model = result.model if result.videos else f"{result.model}, {result.origin}"
    sizes = [str(size or "") for size in (result.captions, result.videos)]
    numbers = [getattr(result, direction).get(name) for direction, name in METRIC_COLUMNS]
    metrics = [f"{mean_std[0]:.1f} ({mean_std[1]:.1f})" if mean_std else "" for mean_std in numbers]
    return (result.dataset, model, result.split, result.selection, *sizes, *metrics)
