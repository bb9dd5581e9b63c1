import pytest

from pipeline.datasets.annotations import Caption
from pipeline.datasets.asked import pack, unpack

PLAIN = (Caption("a", ("rgb",)), Caption("b"))
JUDGED = (Caption("a", ("rgb",), "q/1", 3, ((0.0, 2.5), (8.0, 9.0))), Caption("b"), Caption("c", id="ü"))


def test_what_is_known_of_captions_is_read_back():
    plain = [Caption(caption.text, caption.tags) for caption in JUDGED]
    assert unpack(plain, pack(JUDGED)) == JUDGED


def test_captions_of_text_and_tags_alone_need_nothing():
    assert pack(PLAIN) == pack(()) == ""
    assert unpack(PLAIN, "") == PLAIN


@pytest.mark.parametrize("text", ["[]", "{", "[[1]]", '[["", 1, []], ["", 1, [[0]]]]', "7"])
def test_what_is_of_other_captions_is_an_error_that_the_manifest_catches(text):
    with pytest.raises((ValueError, TypeError)):
        unpack(PLAIN, text)
