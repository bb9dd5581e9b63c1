from pathlib import Path

from search.engines.fulltext import Word
from search.engines.labels import Seen
from search.results import Answer, Found, Hit
from tasks.console.search_results import print_answer


def test_a_name_cannot_move_the_cursor_nor_colour_the_terminal(capsys):
    name = "[bold]\x1b[31mred\x1b[0m\r\nfake line.mp4"
    word = Word("\x1b]0;title\x07", "speech", 0.0, 1.0)
    hit = Hit("0" * 16, name, Path(name), True, 1.0, 0.5, 0.0, {"words": Found(1, 1.0)}, {}, (word,), ())
    print_answer(Answer("red", (hit,)))
    output = capsys.readouterr().out
    assert "\x1b" not in output
    assert "[bold]" in output
    assert len(output.splitlines()) == 3


def test_what_classifiers_saw_is_told_with_its_probability_and_time(capsys):
    seen = (Seen("brown bear, bruin", "rgb", 0.984, 62.9), Seen("zebra\x1b[0m", "rgb", 0.5, 0.0))
    found_by = {"labels": Found(1, 1.0)}
    hit = Hit("0" * 16, "a.mp4", Path("a.mp4"), True, 99.0, 0.5, 62.9, found_by, {}, (), (), seen)
    print_answer(Answer("bear", (hit,)))
    output = capsys.readouterr().out
    assert "brown bear 0.98 at 1:02, zebra" in output
    assert "labels 1" in output
    assert "\x1b" not in output


def test_nothing_found_is_told_with_the_reason(capsys):
    print_answer(Answer("red", (), "Nothing is a good match.", ("an expert takes no part",)))
    assert capsys.readouterr().out == (
        "Note: an expert takes no part\nNothing found for 'red'. Nothing is a good match.\n"
    )


def test_how_much_each_engine_counts_is_told_where_there_are_several(capsys):
    hit = Hit("0" * 16, "a.mp4", Path("a.mp4"), True, 99.0, 0.5, 1.0, {"words": Found(1, 1.0)}, {}, (), ())
    print_answer(Answer("bear", (hit,), engine_weights={"ce": 1.0, "words": 3.0}))
    assert capsys.readouterr().out.startswith("Weighed: words 75 %, experts 25 %\n")
    print_answer(Answer("bear", (hit,), engine_weights={"ce": 1.0, "words": 3.0}, is_by_query=True))
    assert capsys.readouterr().out.startswith("Weighed for this query: words 75 %")
    print_answer(Answer("bear", (hit,), engine_weights={"words": 3.0}))
    assert "Weighed" not in capsys.readouterr().out
