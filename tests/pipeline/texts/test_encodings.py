import codecs

import pytest

from pipeline.texts.encodings import decode_strictly, decode_text

SENTENCES = {
    ("cp1251", "ru"): "Мы сегодня идём в гавань смотреть на корабли. Ты пойдёшь с нами?",
    ("koi8-r", "ru"): "Мы сегодня идём в гавань смотреть на корабли. Ты пойдёшь с нами?",
    ("cp866", "ru"): "Мы сегодня идём в гавань смотреть на корабли. Ты пойдёшь с нами?",
    ("iso8859-5", "bg"): "Днес отиваме на пристанището, за да гледаме корабите. Ще дойдеш ли?",
    ("cp1251", "uk"): "Сьогодні ми їдемо в гавань дивитися на кораблі. Чи є в тебе час?",
    ("cp1250", "pl"): "Dziś idziemy do portu, żeby zobaczyć statki. Pójdziesz z nami, proszę?",
    ("iso8859-2", "pl"): "Dziś idziemy do portu, żeby zobaczyć łódź. Już się cieszę, że płyniemy.",
    ("cp1250", "cs"): "Dnes jdeme do přístavu podívat se na lodě. Půjdeš s námi, příteli?",
    ("cp1250", "hu"): "Ma lemegyünk a kikötőbe hajókat nézni. Eljössz velünk, öreg barátom?",
    ("gbk", "zh"): "我们今天去港口看船。你也和我们一起去吧！",
    ("big5", "zh"): "我們今天去港口看船。你也和我們一起去吧!",
    ("shift_jis", "ja"): "今日は港へ船を見に行きます。あなたも一緒に行きませんか。",
    ("euc_jp", "ja"): "今日は港へ船を見に行きます。あなたも一緒に行きませんか。",
    ("euc_kr", "ko"): "오늘 우리는 항구에 배를 보러 갑니다. 같이 갈래요?",
    ("iso8859-7", "el"): "Σήμερα πάμε στο λιμάνι να δούμε τα πλοία. Θα έρθεις μαζί μας;",
    ("cp1253", "el"): "Σήμερα πάμε στο λιμάνι να δούμε τα πλοία. Άλλη μέρα πάλι.",
    ("cp1255", "he"): "היום אנחנו הולכים לנמל לראות ספינות. אתה בא איתנו?",
    ("cp1256", "ar"): "اليوم نذهب إلى الميناء لنرى السفن. هل تأتي معنا؟",
    ("iso8859-6", "ar"): "اليوم نذهب إلى الميناء لنرى السفن. هل تأتي معنا؟",
    ("iso8859-8", "he"): "היום אנחנו הולכים לנמל לראות ספינות. אתה בא איתנו?",
    ("iso8859-9", "tr"): "Bugün gemileri görmek için limana gidiyoruz. Şimdi bizimle gelir misin, ağabey?",
    ("cp1254", "tr"): "Bugün gemileri görmek için limana gidiyoruz. Şimdi bizimle gelir misin, ağabey?",
    ("cp1257", "lt"): "Šiandien einame į uostą žiūrėti laivų. Ar eisi kartu su mumis, drauguži?",
    ("cp874", "th"): "วันนี้เราไปดูเรือที่ท่าเรือ คุณจะไปกับเราไหม",
    ("cp1252", "de"): "Heute gehen wir zum Hafen, um Schiffe zu sehen. Möchtest du später mit, Süße?",
    ("cp1252", "fr"): "Où étais-tu hier soir, mon très cher ami? Ça fait déjà longtemps, n’est-ce pas?",
    ("latin-1", "es"): "Mañana iremos al puerto a ver los barcos. ¿Vendrás también, señor?",
}

WORDS = {
    ("cp1251", "ru"): "привет гавань",
    ("koi8-r", "ru"): "привет",
    ("cp1250", "pl"): "łódź",
    ("cp1250", "cs"): "žena",
    ("gbk", "zh"): "港口",
    ("big5", "zh"): "港口",
    ("shift_jis", "ja"): "港",
    ("euc_jp", "ja"): "港",
    ("euc_kr", "ko"): "항구",
    ("iso8859-7", "el"): "λιμάνι",
    ("cp1255", "he"): "נמל",
    ("cp1256", "ar"): "لا",
    ("cp1254", "tr"): "ağaç",
    ("cp874", "th"): "สวัสดี",
    ("cp1252", "fr"): "café",
    ("latin-1", "de"): "größer",
}


def srt(text):
    return f"1\n00:00:03,000 --> 00:00:03,500\n<i>{text}</i>\n\n"


@pytest.mark.parametrize(("encoding", "language"), SENTENCES)
def test_the_encoding_of_two_sentences_is_found(encoding, language):
    text = srt(SENTENCES[encoding, language])
    assert decode_text(text.encode(encoding))[0] == text
    assert decode_text(text.encode(encoding), language)[0] == text


@pytest.mark.parametrize(("encoding", "language"), WORDS)
def test_the_encoding_of_one_word_is_found_where_the_language_is_known(encoding, language):
    text = srt(WORDS[encoding, language])
    assert decode_text(text.encode(encoding), language)[0] == text


@pytest.mark.parametrize(
    "key", [("cp1251", "ru"), ("koi8-r", "ru"), ("gbk", "zh"), ("iso8859-7", "el"), ("cp1250", "pl")]
)
def test_the_encoding_of_some_lone_words_is_found_without_it(key):
    text = srt(WORDS[key])
    assert decode_text(text.encode(key[0]))[0] == text


def test_the_name_of_the_encoding_is_told():
    assert decode_text(srt("Мы сегодня идём в гавань").encode("cp1251"))[1] == "cp1251"
    assert decode_text(srt("Мы сегодня идём в гавань").encode("koi8-r"))[1] == "koi8-r"
    assert decode_text(srt("plain").encode())[1] == "utf-8"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("has_mark", [True, False])
@pytest.mark.parametrize("shown", ["marker", "привет", "我们今天去港口看船", "🎬 é"])
def test_unicode_is_read_with_and_without_a_byte_order_mark(encoding, has_mark, shown):
    mark = {
        "utf-8": codecs.BOM_UTF8,
        "utf-16-le": codecs.BOM_UTF16_LE,
        "utf-16-be": codecs.BOM_UTF16_BE,
        "utf-32-le": codecs.BOM_UTF32_LE,
        "utf-32-be": codecs.BOM_UTF32_BE,
    }[encoding]
    data = (mark if has_mark else b"") + srt(shown).encode(encoding)
    assert decode_text(data) == (srt(shown), encoding)


def test_utf_8_with_a_few_broken_letters_is_still_utf_8():
    data = srt("Мы сегодня идём в гавань").encode()
    at = data.index("в".encode())
    text, encoding = decode_text(data[:at] + data[at + 1 :])
    assert encoding == "utf-8"
    assert text == srt("Мы сегодня идём в гавань").replace("в ", "\ufffd ")


def test_the_escape_sequences_of_japanese_mail_are_decoded():
    assert decode_text(srt("今日は港へ").encode("iso2022_jp"))[0] == srt("今日は港へ")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"<\xff>",
        b"\n" * 1_000_000 + b"\xff",
        b"1 " * 500_000 + b"\xff",
        b"\x00",
        bytes(range(256)),
        b"\xef\xbb\xbf",
        b"\xff\xfe\x00",
    ],
)
def test_any_bytes_become_some_text(data):
    text, encoding = decode_text(data)
    assert isinstance(text, str)
    assert codecs.lookup(encoding)


def test_a_language_whose_encodings_do_not_fit_is_passed_over():
    # 0x81 stands for nothing in any encoding of Thai.
    assert decode_text("今日は港へ船を見に行きます".encode("shift_jis"), "th")[0] == "今日は港へ船を見に行きます"


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
    found, name = decode_strictly((before + text).encode(encoding))
    assert found == before + text
    assert not name.startswith("utf-")
    assert found.encode(name) == (before + text).encode(encoding) or encoding == "iso8859-7"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("text", [*dict(TEXTS), "", "plain"])
def test_unicode_is_no_guess(text, encoding):
    found, name = decode_strictly(text.encode(encoding))
    assert found == text
    assert name in {"utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", [text for text, _ in TEXTS])
def test_utf16_needs_no_mark_where_some_of_it_is_ascii(text, encoding):
    assert decode_strictly(f"video,caption\n1.mp4,{text}\n".encode(encoding)) == (
        f"video,caption\n1.mp4,{text}\n",
        encoding,
    )


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(ValueError, match="no text in a known encoding"):
        decode_strictly(bytes(range(256)) * 10)


def test_half_a_character_of_utf16_is_refused():
    with pytest.raises(ValueError):
        decode_strictly(b"\xff\xfea\0b")


def test_utf16_without_a_mark_may_be_mostly_chinese():
    text = "video,caption\n1.mp4," + "一个男人在街上走。" * 30
    for encoding in ("utf-16-le", "utf-16-be"):
        assert decode_strictly(text.encode(encoding)) == (text, encoding)
