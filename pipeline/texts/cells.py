"""Text in the cells of tables: names and captions come from strangers, and no table may read them as more than text."""

import re

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}",
}  # fmt: skip


def cell(text: str) -> str:
    """The text, which no spreadsheet takes for a formula (OWASP)."""
    return f"'{text}" if text.lstrip(" \n").startswith(_FORMULAS) or text.startswith(_FORMULAS) else text


def latex_cell(text: str) -> str:
    """The text on one line, without a character that LaTeX would carry out."""
    return "".join(_LATEX.get(char, char) for char in _one_line(text))


def markdown_cell(text: str) -> str:
    """The text on one line, without a character that Markdown or HTML would carry out, or that ends a cell."""
    return re.sub(r"([\\`*_\[\]|~#])", r"\\\1", _one_line(text).replace("&", "&amp;").replace("<", "&lt;"))


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
