import pytest

from pipeline.datasets.grades import grade_of
from pipeline.errors import AnnotationError


@pytest.mark.parametrize(("text", "grade"), [("0", 0), ("3", 3), ("-2", 0), ("2.0", 2), ("+1", 1), ("1000", 1000)])
def test_a_grade_is_a_whole_number_and_below_0_is_no_answer(text, grade):
    assert grade_of(text, "x") == grade


@pytest.mark.parametrize("text", ["", "a", "1.5", "1e3", "1001", "99999999999", "nan", "\u0663", " 1"])
def test_anything_else_is_told_with_its_place(text):
    with pytest.raises(AnnotationError, match=r"file:7: a grade is a whole number from 0 to 1000, found"):
        grade_of(text, "file:7")
