"""All results so far, beside the published ones."""

import luigi

from pipeline.reports.results import Result, ours, published, write_csv
from tasks.console.terminal import print_table, say
from tasks.plan.settings import Paths

SHOWN = (("t2v", "R@1"), ("t2v", "R@5"), ("t2v", "R@10"), ("t2v", "MdR"), ("v2t", "R@1"), ("v2t", "R@10"))


class ResultsTable(luigi.Task):
    """Prints the newest reports of all datasets and models beside the published numbers. Runs nothing else."""

    told = False

    def complete(self) -> bool:
        """True once it has told."""
        return self.told

    def run(self) -> None:
        """Prints the table and writes results.csv."""
        layout = Paths().layout
        found = [*ours(layout.store), *published(layout.configs / "published.yaml")]
        results = sorted(found, key=lambda result: (result.dataset, result.split, result.model))
        columns = ["dataset", "model", "split", "epoch by", "captions", "videos"]
        measured = [f"{direction} {name}" for direction, name in SHOWN]
        print_table("Mean (std) over the seeds", [*columns, *measured], [_line(result) for result in results], 4)
        path = layout.store / "results.csv"
        write_csv(path, results)
        say(f"With more columns: {path}")
        self.told = True


def _line(result: Result) -> tuple[str, ...]:
    model = result.model if result.videos else f"{result.model}, {result.origin}"
    sizes = [str(size or "") for size in (result.captions, result.videos)]
    numbers = [getattr(result, direction).get(name) for direction, name in SHOWN]
    cells = [f"{mean_std[0]:.1f} ({mean_std[1]:.1f})" if mean_std else "" for mean_std in numbers]
    return (result.dataset, model, result.split, result.selection, *sizes, *cells)
