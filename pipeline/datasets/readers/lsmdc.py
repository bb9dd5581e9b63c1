"""Reads LSMDC 2016: headerless, tab-separated tables of six columns; the challenge's 1000 clips are the test split."""

from pathlib import Path

from pipeline.datasets.annotations import Annotation
from pipeline.datasets.readers.parsing import annotation, check_variant, read_lines
from pipeline.errors import AnnotationError

FILES = "LSMDC16_annos_training.csv, LSMDC16_annos_val.csv and LSMDC16_challenge_1000_publictect.csv"
VARIANTS = ("challenge",)

TABLES = {
    "train": "LSMDC16_annos_training.csv",
    "val": "LSMDC16_annos_val.csv",
    "test": "LSMDC16_challenge_1000_publictect.csv",
}
NUM_COLUMNS = 6


def read(folder: Path, variant: str) -> dict[str, Annotation] | None:
    """Clip name -> split and its caption, or None when a table is missing."""
    check_variant(variant, VARIANTS)
    if not all((folder / table).exists() for table in TABLES.values()):
        return None
    annotations: dict[str, Annotation] = {}
    for split, table in TABLES.items():
        for line in read_lines(folder / table):
            columns = line.split("\t")
            if len(columns) != NUM_COLUMNS:
                raise AnnotationError(
                    f"{folder / table}: expected {NUM_COLUMNS} columns with tabs between, found {line[:60]!r}"
                )
            annotations[columns[0].strip()] = annotation(split, [columns[-1]])
    return annotations
