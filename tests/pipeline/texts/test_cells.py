import html

import pytest

from pipeline.texts.cells import cell, latex_cell, markdown_cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1", "\n=1"])
def test_nothing_is_taken_for_a_formula(text):
    assert cell(text) == f"'{text}"


def test_other_text_stays_as_it_is():
    assert cell("CE - MW, 5 = 5") == "CE - MW, 5 = 5"


def test_latex_carries_nothing_out_and_stays_on_one_line():
    assert latex_cell("50 % of $x_1 & {y}\n#~^") == r"50 \% of \$x\_1 \& \{y\} \#\textasciitilde{}\textasciicircum{}"
    assert latex_cell(r"\input{/etc/passwd}") == r"\textbackslash{}input\{/etc/passwd\}"
    assert latex_cell("a <b> | \x1b[0m") == r"a \textless{}b\textgreater{} \textbar{} [0m"


def test_markdown_ends_no_cell_and_makes_no_element():
    text = "a|b <script> *c* _d_ [e](f) `g` \\ \n h"
    escaped = markdown_cell(text)
    assert "\n" not in escaped
    assert "<" not in escaped
    assert escaped.replace("\\|", "").count("|") == 0
    plain = html.unescape(escaped.replace("\\\\", "\0").replace("\\", "").replace("\0", "\\"))
    assert plain == " ".join(text.split())
