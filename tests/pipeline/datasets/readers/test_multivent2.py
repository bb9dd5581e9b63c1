"""The forms are those of the owners' files; what is expected is how the judgments were made."""

import json

import pytest

from pipeline.datasets.annotations import Annotation, Caption
from pipeline.datasets.readers import multivent2
from pipeline.errors import AnnotationError
from tests.pipeline.datasets.readers import sample_files

QUERIES = 'Query_id,query\nq_0,1929 Henry Segrave\nq_1,"Everton,  Tanzania"\nq_2,nobody knows\n'
GRADES = [("q_0", "-PQVve", 3), ("q_1", "-PQVve", 1), ("q_0", "UKQJ_", 1), ("q_1", "Hxls", 0)]


def write(folder, split="test", form="jsonl", grades=GRADES):
    sample_files.write(folder, f"multivent_2_{split}_queries.csv", QUERIES)
    if form == "jsonl":
        rows = [json.dumps({"query_id": q, "doc_id": doc, "relevance": grade}) for q, doc, grade in grades]
    else:
        rows = [f"{query} 0 {doc}\t{grade}" for query, doc, grade in grades]
    sample_files.write(folder, f"multivent_2_{split}_judgments.{form}", "\n".join(rows) + "\n")


@pytest.mark.parametrize("form", ["jsonl", "qrels"])
def test_a_query_is_a_caption_of_each_video_that_answers_it_with_its_grade(form, tmp_path):
    write(tmp_path, form=form)
    assert multivent2.read(tmp_path, "official") == {
        "-PQVve": Annotation(
            "test", (Caption("1929 Henry Segrave", id="q_0", grade=3), Caption("Everton, Tanzania", id="q_1"))
        ),
        "UKQJ_": Annotation("test", (Caption("1929 Henry Segrave", id="q_0"),)),
        "Hxls": Annotation("test", ()),
    }


def test_training_queries_are_read_where_they_are_there_under_either_name(tmp_path):
    write(tmp_path)
    assert {one.split for one in multivent2.read(tmp_path, "official").values()} == {"test"}
    for name, text in (
        ("multivent_2_q.csv", QUERIES),
        ("multivent_2_j.jsonl", '{"query_id": "q_2", "doc_id": "t", "relevance": 1}'),
    ):
        sample_files.write(tmp_path, name, text)
    assert multivent2.read(tmp_path, "official")["t"] == Annotation("train", (Caption("nobody knows", id="q_2"),))


def test_a_judgment_that_is_there_twice_as_in_the_owners_file_counts_once(tmp_path):
    write(tmp_path, grades=GRADES)
    once = multivent2.read(tmp_path, "official")
    write(tmp_path, grades=GRADES + GRADES[1:2])
    assert multivent2.read(tmp_path, "official") == once


def test_queries_without_judgments_are_no_dataset(tmp_path):
    sample_files.write(tmp_path, "multivent_2_test_queries.csv", QUERIES)
    assert multivent2.read(tmp_path, "official") is None


@pytest.mark.parametrize(
    ("grades", "told"),
    [
        ([("q_9", "a", 1)], "query 'q_9' is not in multivent_2_test_queries.csv"),
        ([("q_0", "a", "x")], "a grade is a whole number"), ([("q_0", "a", 2.5)], "a grade is a whole number"),
        ([("q_0", "a", 1), ("q_0", "a", 2)], "'a' is judged for 'q_0' twice, with the grades 1 and 2"),
    ],
)  # fmt: skip
def test_judgments_that_do_not_fit_are_told_in_a_line(grades, told, tmp_path):
    write(tmp_path, grades=grades)
    with pytest.raises(AnnotationError, match=f"judgments.jsonl:[12]: .*{told}") as caught:
        multivent2.read(tmp_path, "official")
    assert "\n" not in str(caught.value)


def test_lines_of_another_form_are_told(tmp_path):
    write(tmp_path, form="qrels")
    sample_files.write(tmp_path, "multivent_2_test_judgments.qrels", "q_0 0 a\n")
    with pytest.raises(AnnotationError, match="expected lines like 'query 0 video grade', found 'q_0 0 a'"):
        multivent2.read(tmp_path, "official")
    write(tmp_path, form="jsonl")
    sample_files.write(tmp_path, "multivent_2_test_judgments.jsonl", '{"query_id": "q_0"}')
    with pytest.raises(AnnotationError, match=r"jsonl:1: not built as its owner's file is"):
        multivent2.read(tmp_path, "official")


def test_a_video_is_in_one_split(tmp_path):
    write(tmp_path)
    write(tmp_path, "train", grades=[("q_2", "UKQJ_", 1)])
    with pytest.raises(AnnotationError, match="'UKQJ_' is in the train split too"):
        multivent2.read(tmp_path, "official")
