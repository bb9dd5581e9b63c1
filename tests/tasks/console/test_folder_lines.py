"""What is said of the experts of a folder."""

import pytest

from tasks.console.folder_lines import say_choice
from tasks.plan.at_hand import Choice


@pytest.mark.parametrize(
    ("choice", "line"),
    [
        (Choice("ocr", "ocr_light", {}), "Expert ocr_light"),
        (
            Choice("rgb", "small", {"large": "2700 MB to fetch", "larger": "not fetched"}),
            "Expert small; better, but not here: large (2700 MB to fetch), larger (not fetched)",
        ),
        (Choice("rgb", "", {"large": "2700 MB to fetch"}), "No expert for rgb: large (2700 MB to fetch)"),
        (
            Choice("rgb", "large", {}, is_seeded=True),
            "Expert large, on stand-in weights: what it finds means nothing",
        ),
    ],
)
def test_each_group_has_one_line(capsys, choice, line):
    say_choice(choice)
    assert capsys.readouterr().out == line + "\n"
