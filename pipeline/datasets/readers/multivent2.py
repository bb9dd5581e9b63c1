"""Reads MultiVENT 2.0: queries on events, and how well videos answer them, in grades.

A query is a caption of each video that answers it, with the grade. A video that was judged not to answer any is in the
split without a caption; a query without a video that answers it is left out, as trec_eval does.
"""

from collections.abc import Iterator
from pathlib import Path

from pipeline.datasets.annotations import Annotation, Caption
from pipeline.datasets.grades import grade_of
from pipeline.datasets.readers.parsing import (
    check_variant,
    malformed,
    read_columns,
    read_json_lines,
    read_lines,
    sentence,
)
from pipeline.errors import AnnotationError

FILES = (
    "multivent_2_test_queries.csv and multivent_2_test_judgments.jsonl (or .qrels, as TREC has them), and, where it is "
    "to be trained on, the same of train"
)
VARIANTS = ("official",)

QUERIES = {
    "train": ("multivent_2_train_queries.csv", "multivent_2_q.csv"),
    "test": ("multivent_2_test_queries.csv",),
}
JUDGMENTS = {
    "train": ("multivent_2_train_judgments.jsonl", "multivent_2_train_judgments.qrels", "multivent_2_j.jsonl"),
    "test": ("multivent_2_test_judgments.jsonl", "multivent_2_test_judgments.qrels"),
}
"""Names of the files at Hugging Face, and at GitHub; the first one that is there is read."""

Judgment = tuple[str, str, str, str]
"""File and line, query, video, grade."""


def read(folder: Path, variant: str) -> dict[str, Annotation] | None:
    """Video name (the YouTube id) -> split and queries with their grades; None where no split has both files."""
    check_variant(variant, VARIANTS)
    annotations: dict[str, Annotation] = {}
    there = False
    for split in QUERIES:
        queries, judgments = (
            next((folder / name for name in names[split] if (folder / name).exists()), None)
            for names in (QUERIES, JUDGMENTS)
        )
        if queries and judgments:
            there = True
            _add(annotations, split, queries, judgments)
    return annotations if there else None


def _add(annotations: dict[str, Annotation], split: str, queries: Path, judgments: Path) -> None:
    texts = {name: sentence(text).text for name, text in read_columns(queries, "query_id", "query")}
    judged: dict[tuple[str, str], int] = {}
    for where, query, video, given in _judgments(judgments):
        grade = grade_of(given, where)
        if query not in texts:
            raise AnnotationError(f"{where}: the query {query[:80]!r} is not in {queries.name}; get both files again")
        if (known := judged.setdefault((query, video), grade)) != grade:
            told = f"{video[:80]!r} is judged for {query[:80]!r} twice, with the grades {known} and {grade}"
            raise AnnotationError(f"{where}: {told}; get the file again")
        before = annotations.get(video, Annotation(split, ()))
        if before.split != split:
            raise AnnotationError(f"{where}: {video[:80]!r} is in the {before.split} split too; get the files again")
        caption = Caption(texts[query], (), query, grade)
        is_new = grade and caption.text and caption not in before.captions  # the owners' file has some lines twice
        annotations[video] = Annotation(split, (*before.captions, caption) if is_new else before.captions)


def _judgments(path: Path) -> Iterator[Judgment]:
    if path.suffix == ".qrels":
        for line in read_lines(path):
            fields = line.split()
            if len(fields) != 4:
                raise AnnotationError(f"{path}: expected lines like 'query 0 video grade', found {line[:60]!r}")
            yield str(path), fields[0], fields[2], fields[3]
        return
    for where, row in read_json_lines(path):
        try:
            yield where, str(row["query_id"]), str(row["doc_id"]), str(row["relevance"])
        except KeyError as error:
            raise malformed(where, error) from None
