import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.datasets.text_files import lines_of, read_table, read_text
from pipeline.errors import AnnotationError

NEEDED = ("video", "caption")


def rows(tmp_path, text, known=("split",)):
    return [cells for _, cells in read_table(tmp_path / "t.csv", text, NEEDED, known)]


def complaint(tmp_path, text):
    with pytest.raises(AnnotationError) as caught:
        rows(tmp_path, text)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(str(tmp_path / "t.csv"))


WANTED = [{"video": "a.mp4", "caption": 'A man, who says "hi"; walks'}, {"video": "b.mp4", "caption": "x"}]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_a_table_as_pythons_own_writer_writes_it_is_read_back(tmp_path, delimiter, end, quoting):
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerows([NEEDED, *(row.values() for row in WANTED)])
    assert rows(tmp_path, file.getvalue()) == WANTED


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1).map(str.strip).filter(bool)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1), st.sampled_from(",;\t|"))
def test_any_text_that_is_quoted_is_read_back(pairs, delimiter):
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([NEEDED, *pairs])
    found = [tuple(cells.values()) for _, cells in read_table("t.csv", file.getvalue(), NEEDED)]
    assert [[" ".join(cell.split()) for cell in row] for row in found] == [
        [" ".join(cell.split()) for cell in row] for row in pairs
    ]


@pytest.mark.parametrize(
    "text",
    [
        'Video, CAPTION\na.mp4, "A man, who says ""hi""; walks"\nb.mp4, x\n',
        '"video" ,"caption" \n"a.mp4" ,"A man, who says ""hi""; walks" \n"b.mp4" , "x" ',
        'video,caption,\na.mp4,"A man, who says ""hi""; walks",\nb.mp4,x,\n',
        '\n\nvideo,caption\n\na.mp4,"A man, who says ""hi""; walks"\n,\n   \nb.mp4,x\n,,\n',
        'video,caption\na.mp4,\t"A man, who says ""hi""; walks"\t\nb.mp4, \u00a0"x"\u00a0\n',
        'sep=;\nvideo;caption\na.mp4;"A man, who says ""hi""; walks"\nb.mp4;x\n',
        'video\tcaption\na.mp4\tA man, who says "hi"; walks\nb.mp4\tx',
        'video,caption\na.mp4,"A man, who says ""hi""; walks",,\nb.mp4,x,\n',
    ],
)
def test_what_spreadsheets_and_people_add_does_no_harm(tmp_path, text):
    assert rows(tmp_path, text) == WANTED


def test_a_cell_has_no_limit_of_size(tmp_path):
    assert rows(tmp_path, f"video,caption\na.mp4,{'y' * 300_000}\n") == [{"video": "a.mp4", "caption": "y" * 300_000}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "video,caption\na.mp4,x\nb.mp4,a man, walking\n",
            ":3: 3 cells where the first line names 2 columns; put quotes around each text with commas in it: "
            '"a man, walking"',
        ),
        (
            "video;caption\nb.mp4;a man; walking\n",
            ":2: 3 cells where the first line names 2 columns; put quotes around each text with semicolons in it: "
            '"a man; walking"',
        ),
        ("video,caption,\nb.mp4,a man, walking\n", ":2: 3 cells where the first line names 2 columns"),
        ("split,video,caption\ntrain,b.mp4\n", ":2: the row ends before its 'caption': 2 of 3 cells"),
        ("video,caption,Caption\na,b,c\n", ": its first line names the column 'caption' 2 times"),
        ("video,caption,split,split\na,b,c,d\n", ": its first line names the column 'split' 2 times"),
        ('video,caption\n\na.mp4,"x\ny"\nb.mp4,"z\n', ":5: a quote is opened in this row and never closed"),
        ('video,caption\na.mp4,"he says "hi" to her"\n', ":2: text after a closing quote; double each quote"),
        ('video,caption\na.mp4,"never closed\nb.mp4,"x, y"\n', ":2: text after a closing quote"),
        ("id,text\n1,x\n", ": its first line must name the columns 'video' and 'caption'; it has 'id', 'text'"),
        ("video caption\na b\n", ": its first line must name the columns 'video' and 'caption'"),
        ("", ": its first line must name the columns 'video' and 'caption'"),
    ],
)
def test_what_would_be_cut_or_guessed_is_told_with_its_line(tmp_path, text, message):
    assert complaint(tmp_path, text).startswith(message)


def test_other_columns_may_be_there_twice(tmp_path):
    assert rows(tmp_path, "x,video,x,caption\n1,a.mp4,2,c\n")[0]["caption"] == "c"


def test_the_line_is_that_in_which_a_row_begins(tmp_path):
    table = read_table(tmp_path / "t", 'video,caption\n\na,"x\n\ny"\nb,z\n', NEEDED)
    assert [where.rpartition(":")[2] for where, _ in table] == ["3", "6"]


def test_a_zero_byte_is_told_with_its_line(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"video,caption\na.mp4,x\0\n" + b"b.mp4,a man\n" * 100)
    with pytest.raises(AnnotationError, match=r"t\.csv:2: a zero byte"):
        read_text(tmp_path / "t.csv")


def test_two_marks_of_a_joined_file_are_none_of_its_text(tmp_path):
    (tmp_path / "t.csv").write_text("\ufeff\ufeffvideo,caption\n", encoding="utf-8")
    assert read_text(tmp_path / "t.csv") == "video,caption\n"


def test_without_a_place_for_warnings_a_guess_is_an_error(tmp_path):
    (tmp_path / "t.txt").write_bytes("a café".encode("cp1252"))
    warnings = []
    assert read_text(tmp_path / "t.txt", warnings) == "a café"
    assert len(warnings) == 1
    with pytest.raises(AnnotationError, match=r"t\.txt: cannot be read: it is not UTF-8"):
        read_text(tmp_path / "t.txt")


def test_bytes_that_are_no_text_are_told(tmp_path):
    (tmp_path / "t.txt").write_bytes(bytes(range(256)) * 4)
    with pytest.raises(AnnotationError, match=r"t\.txt: cannot be read: no text in a known encoding"):
        read_text(tmp_path / "t.txt", [])


def test_only_line_ends_end_a_line():
    assert lines_of("a\u2028b\r\nc\x0bd\re\n") == ["a\u2028b", "c\x0bd", "e"]
