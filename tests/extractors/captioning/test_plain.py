import pytest

from extractors.captioning.plain import MOST_CHARS, plain, sentences


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("A man\n\n cooks.\t", "A man cooks."),
        ("<think>The user wants ...\nso</think>\n\nA dog runs.", "A dog runs."),
        ("a\x00b\x1b[31m \u202egnp.exe\u202c \ud800", "a b [31m gnp.exe"),
        ("می\u200cروم", "می\u200cروم"),
        ("  \n ", ""),
    ],
)
def test_what_is_no_text_is_left_out(said, kept):
    assert plain(said) == kept


def test_a_text_is_cut_at_a_blank():
    assert plain("word " * 10_000, 12) == "word word"
    assert plain("x" * 100, 12) == "x" * 12
    assert len(plain("ab " * 1_000_000)) <= MOST_CHARS


def test_a_text_is_split_where_its_sentences_end():
    assert sentences('A man cooks. "Stop!" he says. It is 3.5 m') == [
        "A man cooks.",
        '"Stop!"',
        "he says.",
        "It is 3.5 m",
    ]
    assert sentences("男人在做饭。他笑了！") == ["男人在做饭。", "他笑了！"]
    assert sentences("no mark") == ["no mark"]
    assert sentences("") == []
