import pytest

from pipeline.text_encoding import decode

ENGLISH = "video,caption\n" + "".join(f"{number}.mp4,a man walks his dog\n" for number in range(50))
TEXTS = [
    ("a man in a café", "latin-1"),
    ("Größe über die Straße – „schön“", "cp1252"),
    ("Un garçon à l'école où naît le cœur", "cp1252"),
    ("El niño corrió mañana ¿sí?", "latin-1"),
    ("En mand går på gaden og spiser rødgrød", "latin-1"),
    ("a man’s dog", "cp1252"),
    ("“hello” – he says…", "cp1252"),
    ("Мужчина идёт по улице", "cp1251"),
    ("Мужчина идёт по улице", "koi8-r"),
    ("Мужчина идёт по улице", "cp866"),
    ("привет", "cp1251"),
    ("привет", "koi8-r"),
    ("Zażółć gęślą jaźń", "cp1250"),
    ("一个男人在街上走", "gbk"),
    ("一個男人在街上走", "big5"),
    ("男の人が歩いている", "shift-jis"),
    ("男の人が歩いている", "euc-jp"),
    ("남자가 거리를 걷고 있다", "euc-kr"),
    ("Ένας άντρας περπατάει", "iso8859-7"),
    ("رجل يمشي في الشارع", "cp1256"),
]
"""Text, and an encoding of before Unicode that people's editors save it in."""


@pytest.mark.parametrize(("text", "encoding"), TEXTS)
@pytest.mark.parametrize("before", ["", ENGLISH], ids=["alone", "after_much_english"])
def test_a_text_in_an_encoding_of_before_is_read_and_the_guess_is_named(text, encoding, before):
    found, name = decode((before + text).encode(encoding))
    assert found == before + text
    assert not name.startswith("UTF-")
    assert found.encode(name) == (before + text).encode(encoding) or encoding == "iso8859-7"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("text", [*dict(TEXTS), "", "plain"])
def test_unicode_is_no_guess(text, encoding):
    found, name = decode(text.encode(encoding))
    assert found == text
    assert name in {"UTF-8", "UTF-16", "UTF-32"}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", [text for text, _ in TEXTS])
def test_utf16_needs_no_mark_where_some_of_it_is_ascii(text, encoding):
    assert decode(f"video,caption\n1.mp4,{text}\n".encode(encoding)) == (f"video,caption\n1.mp4,{text}\n", "UTF-16")


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(ValueError, match="no text in a known encoding"):
        decode(bytes(range(256)) * 10)


def test_half_a_character_of_utf16_is_refused():
    with pytest.raises(ValueError):
        decode(b"\xff\xfea\0b")
