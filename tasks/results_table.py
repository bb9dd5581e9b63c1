"""Task that prints all results so far beside the published ones."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import luigi

from pipeline.errors import ConfigError
from pipeline.reports import mteb, tables
from pipeline.reports.results import Result, csv_of, ours, published, write_csv
from pipeline.stores import atomic
from tasks.console.terminal import print_table, tell
from tasks.dataset_task import RunsEachTime, remakes_damaged
from tasks.parameters import Choice, TypedPath, names_in
from tasks.plan.settings import Paths

TEXTS: dict[str, Callable[[Sequence[Result]], str]] = {
    "markdown": tables.markdown,
    "csv": csv_of,
    "latex": tables.latex,
}
FORMATS = ("table", *TEXTS, "mteb")


class ResultsTable(RunsEachTime, luigi.Task):
    """Prints the newest reports of all datasets and models beside the published numbers. Runs nothing else."""

    format = Choice("--format", FORMATS, default="table", description="Form; mteb: one JSON a report, into --to")
    to = TypedPath(
        default="", description="File in place of the terminal, for markdown, csv and latex; folder for mteb"
    )
    languages = luigi.Parameter(default="eng-Latn", description="Languages of the captions, as mteb names them")
    keeps_log = False

    @remakes_damaged
    def run(self) -> None:
        """Prints the table and writes results.csv, which has more columns; or writes the form that was typed."""
        layout = Paths().layout
        unsorted = [*ours(layout.store), *published(layout.configs / "published.yaml")]
        results = sorted(unsorted, key=lambda result: (result.dataset, result.split, result.model))
        if self.format == "table":
            rows = [tables.row(result) for result in results]
            print_table(tables.TITLE, tables.COLUMNS, rows, len(tables.TEXT_COLUMNS) + 1)
            path = layout.store / "results.csv"
            write_csv(path, results)
            tell(f"With more columns: {path}")
        elif self.format == "mteb":
            self._write_mteb([result for result in results if not result.is_published], layout.store)
        else:
            self._show(TEXTS[self.format](results))
        self.has_run = True

    def _show(self, text: str) -> None:
        """Prints the text as it is, or writes it into the file that was typed."""
        if self.to:
            atomic.write_text(Path(self.to), text)
            tell(f"Written: {self.to}")
            return
        for line in text.splitlines():
            tell(line)

    def _write_mteb(self, results: Sequence[Result], store: Path) -> None:
        """Writes a file for each of our results."""
        if not self.to:
            raise ConfigError("--format mteb writes files: name a folder for them with --to")
        for result in results:
            report = Path(result.origin)
            body = mteb.task_result(report, store, names_in(self.languages))
            path = Path(self.to) / mteb.file_of(report, result.dataset, result.model)
            atomic.write_text(path, json.dumps(body, indent=2))
        tell(f"{len(results)} reports: {self.to}")
