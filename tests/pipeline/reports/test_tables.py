from pipeline.reports import tables
from pipeline.reports.results import Result

OURS = Result("my_data", "ce|x", "/r", "test", "validation", 3, 40, 200, {"R@1": (12.34, 0.55)}, {"R@10": (50.0, 1.0)})
THEIRS = Result("my_data", "M & M", "a paper, p. 50 %", "test", "", 0, 0, 0, {"R@1": (51.2, None)}, {}, "zero-shot")


def test_a_published_result_is_named_with_its_source_and_has_no_sizes():
    ours, theirs = (dict(zip(tables.COLUMNS, tables.row(result), strict=True)) for result in (OURS, THEIRS))
    assert (ours["model"], ours["captions"], ours["t2v R@1"], ours["v2t R@10"]) == (
        "ce|x",
        "200",
        "12.3 (0.6)",
        "50.0 (1.0)",
    )
    assert (theirs["model"], theirs["captions"], theirs["t2v R@1"]) == ("M & M, a paper, p. 50 %", "", "51.2")
    assert (ours["kind"], theirs["kind"]) == ("trained", "zero-shot")
    assert ours["t2v nDCG@10"] == ""


def test_markdown_has_as_many_cells_in_each_line():
    lines = tables.markdown([OURS, THEIRS]).splitlines()
    assert {line.replace("\\|", "").count("|") for line in lines} == {len(tables.COLUMNS) + 1}
    assert len(lines) == 4
    assert "ce\\|x" in lines[2]


def test_latex_has_as_many_cells_in_each_line():
    text = tables.latex([OURS, THEIRS])
    body = text.partition("\\midrule\n")[2].partition("\\bottomrule")[0].splitlines()
    assert {line.replace("\\&", "").count("&") for line in body} == {len(tables.COLUMNS) - 1}
    assert "M \\& M, a paper, p. 50 \\%" in body[1]
    assert all(line.endswith("\\\\") for line in body)
    assert text.startswith("\\begin{tabular}{llll" + "r" * (len(tables.COLUMNS) - 4) + "}")
