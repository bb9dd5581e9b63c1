import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.text.tokens import is_unspaced, normalised, sentence, tokens, words


def test_words_and_numbers_are_tokens_and_punctuation_is_not():
    assert tokens("Don't stop -- it's 24/7, sister’s well-known CAFÉ!") == (
        ["Don't", "stop", "it's", "24", "7", "sister's", "well", "known", "CAFÉ"]
    )
    assert tokens("'quoted' _under_score_") == ["quoted", "under", "score"]
    assert tokens(" ... ") == []


@given(st.text(st.characters(max_codepoint=127)))
def test_a_text_in_ascii_is_split_as_it_always_was(text):
    assert tokens(text) == re.findall(r"[^\W_]+(?:'[^\W_]+)*", text)


@given(st.text())
def test_a_word_is_a_piece_of_the_normalised_text_and_stays_the_word_that_it_is(text):
    normal = normalised(text)
    assert normalised(normal) == normal
    assert all(normal[word.start : word.end] == word.text for word in words(normal))
    assert all(tokens(word) == [word] for word in tokens(text))


@pytest.mark.parametrize(
    "text",
    [
        "सभी मनुष्यों को गौरव और क़ानून",  # Hindi
        "সমস্ত মানুষ স্বাধীনভাবে হঠাৎ",  # Bengali
        "மனிதப் பிறிவியினர் சகலரும் ஸ்ரீ",  # Tamil
        "ప్రతిపత్తిస్వత్వముల విషయమున",  # Telugu
        "ಎಲ್ಲಾ ಮಾನವರೂ ಸ್ವತಂತ್ರರಾಗಿಯೇ",  # Kannada
        "മനുഷ്യരെല്ലാവരും തുല്യാവകാശങ്ങളോടും",  # Malayalam
        "પ્રતિષ્ઠા અને અધિકારોની",  # Gujarati
        "ਸਾਰਾ ਮਨੁੱਖੀ ਪਰਿਵਾਰ",  # Punjabi
        "සියලු මනුෂ්‍යයෝ නිදහස්ව",  # Sinhala, with a zero-width joiner
        "تمام افراد می‌آیند",  # Persian, with a zero-width non-joiner
        "يُولَدُ جَمِيعُ النَّاسِ",  # Arabic with vowels
        "שָׁלוֹם עוֹלָם",  # Hebrew with points
        "ހުރިހާ އިންސާނުން",  # Dhivehi
        "ᠬᠦᠮᠦᠨ ᠪᠦᠷ",  # Mongolian
        "የሰው ልጅ ሁሉ",  # Amharic
        "ყველა ადამიანი",  # Georgian
        "ΌΛΟΙ ΟΙ άνθρωποι",  # Greek
        "м'ята п'ять Ёлка",  # Ukrainian, Russian
        "x̄ and ŷ́",  # marks that no letter has on its own
    ],
)
def test_blanks_part_words_and_marks_do_not(text):
    assert tokens(text) == text.split(" ")


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        # Written syllables, as a dictionary of Thai begins and ends words between them: vowels stay with their letter.
        ("แมวกินปลาในน้ำ", "แม ว กิ น ป ลา ใน น้ำ"),
        ("ທ່າເຮືອ", "ທ່າ ເຮື ອ"),
        ("ភ្នំពេញ", "ភ្នំ ពេ ញ"),
        ("ဆိပ်ကမ်း", "ဆိပ် ကမ်း"),
        ("အင်္ဂလိပ်စာ", "အင်္ဂ လိပ် စာ"),
        ("我们去港口", "我 们 去 港 口"),
        ("港で船を見るコーヒー", "港 で 船 を 見 る コーヒー"),
        ("時々〇", "時 々 〇"),
        ("ｺｰﾋｰ ｶﾞ", "コーヒー ガ"),
        ("ㄅㄆ", "ㄅ ㄆ"),
        ("3月5日 B1出口", "3 月 5 日 B1 出 口"),
        ("KBS에서 3월에", "KBS 에서 3 월에"),
        ("བཀྲ་ཤིས།", "བཀྲ ཤིས"),
        ("👨‍👩‍👧‍👦🇬🇷🇫🇷 👍🏽❤️", "👨‍👩‍👧‍👦 🇬🇷 🇫🇷 👍🏽 ❤️"),
        ("col·lecció d’aigua a·b", "col·lecció d'aigua a b"),
        ('צה״ל ג׳ירפה "שלום" בן־אדם', "צה\"ל ג'ירפה שלום בן אדם"),
        ("co\u00adoperate ﬁne Ｈello 1080p © ™ 🇬", "cooperate fine Hello 1080p TM"),
    ],
)
def test_scripts_without_blanks_and_signs_are_parted(text, pieces):
    assert tokens(text) == pieces.split(" ")


def test_the_thai_vowel_am_is_one_letter_however_it_was_typed():
    assert normalised("น\u0e4d\u0e49\u0e32") == normalised("น\u0e49\u0e33") == "น\u0e49\u0e33"
    assert normalised("\u0e99\u0eb3") == "\u0e99\u0eb3"


def test_a_sentence_has_blanks_but_between_words_of_scripts_without_them():
    assert sentence(["A", "brown", "bear"]) == "A brown bear"
    assert sentence(["去", "港", "口", "NHK", "3", "月"]) == "去港口 NHK 3 月"
    assert sentence([]) == ""
    assert [is_unspaced(word) for word in ("港", "コーヒー", "น้ำ", "harbour", "항구", "दिन", "3", "", "?")] == (
        [True] * 3 + [False] * 6
    )
