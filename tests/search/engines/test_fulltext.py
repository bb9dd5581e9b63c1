import numpy as np
import pytest

from extractors.base import WordView
from extractors.spoken_words import Expert, Params
from extractors.text.tokens import normalised
from search.engines import fulltext
from search.engines.fulltext import Document, FullText, Match, Word

SPACED = [
    # Script, a sentence, the words of it that are looked for, and other words that share letters with it.
    ("Devanagari", "आज का दिन अच्छा है", "दिन अच्छा", "दान दीन दन द न अच्छ आ"),
    ("Bengali", "নদীতে একটি নৌকা আছে", "নৌকা নদীতে", "নৌক নক কা নদী একটা ন"),
    ("Tamil", "கடல் அருகே ஒரு பூனை", "பூனை கடல்", "பானை பூ கட கடலை னை"),
    ("Telugu", "పిల్లి చెట్టు మీద ఉంది", "పిల్లి చెట్టు", "పిల్ల పల్లి చెట్ట పి"),
    ("Kannada", "ಹಡಗು ಬಂದರು ಸೇರಿತು", "ಹಡಗು ಬಂದರು", "ಹಡಗ ಬಂದರ ಬದರು"),
    ("Malayalam", "അവൻ കടൽ കണ്ടു", "അവൻ കടൽ അവന്‍", "അവന് കട കടല കണ്ട"),
    ("Gujarati", "બિલાડી ઘરમાં છે", "બિલાડી", "બલાડી બિલાડ ઘર"),
    ("Gurmukhi", "ਕਿਤਾਬ ਮੇਜ਼ ਤੇ ਹੈ", "ਕਿਤਾਬ ਮੇਜ਼", "ਕਤਾਬ ਕਿਤਾ ਮੇਜ"),
    ("Sinhala", "ශ්‍රී ලංකාව ලස්සනයි", "ශ්‍රී ශ්රී ලංකාව", "ශ රී ලංකා"),
    ("Arabic", "ذَهَبَ الوَلَدُ إلى المَدْرَسَة", "ذهب الولد المدرسة ذَهَبَ الى", "ذهاب ولد المدرس درس"),
    ("Persian", "او کتابی می‌خواند", "کتابی می‌خواند ميخواند", "کتاب خواند می"),
    ("Hebrew", "שָׁלוֹם לכל הַיְלָדִים בצה״ל", "שלום הילדים שָׁלוֹם בצהל", "שלו ילד הילד צה"),
    ("Cyrillic", "Мой май и ёлка у йода", "мой май елка ёлка", "мои маи иода елк"),
    ("Greek", "Η θάλασσα και ο Σίσυφος", "θαλασσα ΘΆΛΑΣΣΑ σίσυφοσ", "θαλασσ θάλ"),
    ("Latin", "Straße und café à İzmir ılık", "strasse CAFE izmir ilik", "stras caf izmi"),
    ("Thaana", "ހަތް މީހުން", "ހަތް", "ހިތް ހަ"),
    ("Ethiopic", "ልጁ ወደ ቤት ሄደ", "ቤት ልጁ", "ቤ ቤቱ ልጅ"),
    ("Georgian", "კატა სახლში არის", "კატა", "კატ სახლი"),
    (
        "Hangul",
        "항구에서 배가 출발합니다 고양이는 나라도",
        "항구 배 출발 고양이 나라 항구에서",
        "항 구 항공 고양시 출 발 나라말 배우",
    ),
    ("Mongolian", "ᠬᠦᠮᠦᠨ ᠪᠦᠷ", "ᠬᠦᠮᠦᠨ", "ᠬᠦᠮ"),
]
# Without a dictionary such a word is also found inside a longer one: 山 (mountain) in 火山 (volcano).
UNSPACED = [
    # A script, a sentence, a word of it, where its letters begin and end in the sentence, and others that it lacks.
    ("Chinese", "我们今天去港口看船", "港口", "港湾 口岸 口港 今日 天今"),
    ("Chinese", "我们今天去港口看船", "船", "舶 舟"),
    ("Chinese", "我们今天去港口看船", "去港口看", "去港口听 去口港看"),
    ("Japanese", "今日は港で船を見ながらコーヒーを飲む", "港", "湾"),
    ("Japanese", "今日は港で船を見ながらコーヒーを飲む", "コーヒー", "コート ヒーロー ゴーヒー"),
    ("Japanese", "今日は港で船を見ながらコーヒーを飲む", "飲む", "飲み 読む"),
    ("Thai", "วันนี้แมวกินปลาในน้ำใส", "น้ำ", "นำ น้า น้อย นม"),
    ("Thai", "วันนี้แมวกินปลาในน้ำใส", "ปลา", "ปู ปล ปลี ไป"),
    ("Lao", "ມື້ນີ້ແມວກິນປາໃນນ້ຳໃສ", "ປາ", "ປີ ປ ໄປ ປູ"),
    ("Khmer", "យើងទៅកំពង់ផែមើលទូក", "កំពង់ផែ", "កំពង់ផ កពង់ផែ ផែកំពង់"),
    ("Khmer", "យើងទៅកំពង់ផែមើលទូក", "ទូក", "ទុក ទក"),
    ("Burmese", "ကျွန်တော်ဆိပ်ကမ်းသို့သွားသည်", "ဆိပ်ကမ်း", "ဆိပ်ကမ ကမ် ကမး"),
    ("Tibetan", "འགྲོ་བ་མིའི་རིགས་རྒྱུད", "མིའི་རིགས", "མི་རིགས རིགས་མིའི"),
]  # fmt: skip


def made(tmp_path, *documents: Document) -> FullText:
    fulltext.build(tmp_path / "words.sqlite", documents)
    return FullText(tmp_path / "words.sqlite", {"the", "a"})


def document(video: int, text: str, expert: str = "speech") -> Document:
    words = text.split()
    return Document(video, expert, words, [(float(at), at + 0.5) for at in range(len(words))])


def test_the_marks_fall_on_exactly_the_words_that_match(tmp_path):
    words = made(tmp_path, document(0, "dogs and dogs run to the running dog don't they"))
    found = words.matched("dog running don't", 0)
    assert [(word.text, word.start_s) for word in found] == [
        ("dogs", 0.0), ("dogs", 2.0), ("run", 3.0), ("running", 6.0), ("dog", 7.0), ("don't", 8.0)
    ]  # fmt: skip


def test_accents_and_case_do_not_matter(tmp_path):
    words = made(tmp_path, document(0, "CAFÉ Straße"))
    assert [word.text for word in words.matched("cafe", 0)] == ["CAFÉ"]
    assert words.find("STRAßE")


def test_coverage_is_the_share_of_the_words_that_were_asked_for(tmp_path):
    words = made(tmp_path, document(0, "red boat"), document(1, "red boat sails"), document(2, "nothing"))
    found = words.find("the red boat sails away")
    assert {video: match.coverage for video, match in found.items()} == {0: 0.5, 1: 0.75}


def test_words_of_two_experts_count_together(tmp_path):
    words = made(tmp_path, document(0, "bread"), document(0, "bakery", "ocr"), document(1, "bread"))
    found = words.find("bakery bread")
    assert found[0].coverage == 1.0
    assert {word.expert for word in words.matched("bakery bread", 0)} == {"speech", "ocr"}
    without = words.find("bakery bread", {"ocr": 0.0})
    assert without[0].coverage == without[1].coverage == 0.5


def test_what_is_remembered_of_a_word_is_found_as_before_without_a_look_at_the_file(tmp_path, monkeypatch):
    words = made(tmp_path, document(0, "red boat"), document(1, "boat"), document(1, "boat", "ocr"))
    looked, query = [], words._query
    monkeypatch.setattr(words, "_query", lambda *asked: looked.append(asked) or query(*asked))
    first = words.find("red boat")
    words.remember(1)
    assert words.find("boat red") == first
    looked.clear()
    assert words.find("red") == {0: Match(words.find("red")[0].score, 1.0)}
    assert looked == []
    assert words.find("boat", {"ocr": 0.0})[1].score < words.find("boat")[1].score
    assert len(looked) == 1, "one word is kept, and its documents are weighed anew"


def test_the_places_are_those_of_the_words_that_match(tmp_path):
    words = made(tmp_path, document(0, "red boat red"), document(0, "RED", "ocr"))
    places = words.places("red", 0)
    assert places == [("RED", "ocr", 0.0, 0.5), ("red", "speech", 0.0, 0.5), ("red", "speech", 2.0, 2.5)]
    assert fulltext.words_at(places) == words.matched("red", 0)
    assert words.places("red", 0, {"ocr": 0.0}) == places[1:]
    assert words.places("", 0) == words.places("green", 0) == []


def test_stop_words_alone_find_nothing(tmp_path):
    words = made(tmp_path, document(0, "the boat a"))
    assert words.find("the a") == {}
    assert words.matched("the a", 0) == ()


def test_a_word_with_blanks_in_it_stays_one_word(tmp_path):
    document = Document(0, "ocr", ["ice cream", "shop"], [(0.0, 1.0), (1.0, 2.0)])
    words = made(tmp_path, document)
    assert [word.text for word in words.words_of(0)] == ["icecream", "shop"]
    assert [word.start_s for word in words.matched("shop", 0)] == [1.0]


@pytest.mark.parametrize("hostile", ['"', 'a"b OR c', "x:y", "^boat*", "\x02boat\x03"])
def test_signs_of_the_query_language_are_only_signs(tmp_path, hostile):
    words = made(tmp_path, document(0, "boat"))
    assert set(words.find(hostile)) <= {0}


def test_the_best_second_is_where_the_most_words_are_together():
    def word(text: str, at: float) -> Word:
        return Word(text, "speech", at, at + 0.2)

    spread = [word("red", 1.0), word("red", 30.0), word("boat", 31.0), word("boat", 60.0)]
    assert fulltext.best_second(spread) == 30.0
    assert fulltext.best_second([word("red", 9.0), word("red", 4.0)]) == 4.0


def test_the_best_second_is_that_of_every_span_compared():
    rng = np.random.default_rng(0)
    for _ in range(50):
        times_s = (rng.integers(0, 40, rng.integers(1, 30)) / 2).tolist()
        words = [Word("ABCab"[rng.integers(5)], "speech", at, at + 0.2) for at in times_s]
        counts = {at: len({word.text.lower() for word in words if at <= word.start_s <= at + 5.0}) for at in times_s}
        assert fulltext.best_second(words) == min(at for at, count in counts.items() if count == max(counts.values()))


def test_of_a_word_that_is_said_all_the_time_the_first_places_are_told_and_of_others_all():
    words = [Word("Boat" if at % 2 else "boat", "speech", float(at), at + 0.2) for at in range(5)]
    rain = Word("rain", "speech", 9.0, 9.2)
    assert fulltext.first_of_each([*words, rain], 3) == (*words[:3], rain)
    assert fulltext.first_of_each([]) == ()
    spoken = Word("boat", "speech", 20.0, 20.2)
    written = [Word("boat", "ocr", float(at), at + 1.0) for at in range(5)]
    assert fulltext.first_of_each([*written, spoken], 3) == (*written[:3], spoken)


def said(tmp_path, *sentences) -> FullText:
    """Videos in which an expert on subtitles heard a sentence each, a word of it a second, as a full-text index."""
    expert, documents = Expert(Params()), []
    expert.load("cpu")
    for video, sentence in enumerate(sentences):
        words = sentence.split(" ")
        times_s = np.array([(10.0 * at, 10.0 * at + 10.0) for at in range(len(words))])
        embedded = expert.embed(expert.prepare(WordView(np.array(words), times_s)))
        row_times_s = times_s[embedded.item_index][:, :1] + embedded.times_s
        documents.append(Document(video, "speech", embedded.extras["text"].tolist(), row_times_s.tolist()))
    fulltext.build(tmp_path / "words.sqlite", documents)
    return FullText(tmp_path / "words.sqlite", {"the"})


@pytest.mark.parametrize(("script", "sentence", "there", "elsewhere"), SPACED)
def test_a_word_is_found_and_no_other_that_shares_letters(tmp_path, script, sentence, there, elsewhere):
    index = said(tmp_path, sentence, " ".join(elsewhere.split()))
    for query in there.split(" "):
        assert set(index.find(query)) == {0}, query
        assert index.find(query)[0].coverage == 1.0
        (word,) = index.matched(query, 0)
        assert word.start_s == 10.0 * normalised(sentence).split(" ").index(word.text)
    for query in elsewhere.split(" "):
        assert set(index.find(query)) == {1}, query


@pytest.mark.parametrize(("script", "sentence", "there", "elsewhere"), UNSPACED)
def test_a_word_is_found_inside_a_sentence_and_no_other_that_shares_letters(
    tmp_path, script, sentence, there, elsewhere
):
    index = said(tmp_path, sentence, elsewhere)
    assert set(index.find(there)) == {0}
    assert index.matched(there, 1) == ()
    for query in elsewhere.split(" "):
        assert set(index.find(query)) == {1}, query
    words = index.matched(there, 0)
    assert "".join(word.text for word in words) == there.replace("་", "")
    letters = sentence.replace("་", "")
    start = letters.index(there.replace("་", ""))
    end = start + len(there.replace("་", ""))
    assert words[0].start_s == pytest.approx(10.0 * start / len(letters), abs=1e-3)
    assert words[-1].end_s == pytest.approx(10.0 * end / len(letters), abs=1e-3)


def test_a_query_in_several_scripts_finds_each_of_them(tmp_path):
    index = said(tmp_path, "NHKが港口を見た 3月5日", "NHK 4月", "दिन 3.5 GB", "5 3 GB 🚢")
    assert {video: match.coverage for video, match in index.find("NHK港口").items()} == {0: 1.0, 1: 0.5}
    assert set(index.find("3月")) == {0}
    assert set(index.find("3.5")) == {2}
    assert set(index.find("🚢")) == {3}
    assert [word.text for word in index.matched("दिन港口gb", 2)] == ["दिन", "GB"]


def test_words_of_scripts_without_blanks_are_told_from_others(tmp_path):
    index = said(tmp_path, "看港口 ok")
    assert [(word.text, word.is_unspaced) for word in index.words_of(0)] == [
        ("看", True), ("港", True), ("口", True), ("ok", False)
    ]  # fmt: skip
    assert [(word.text, word.is_unspaced) for word in index.matched("港口 ok", 0)] == [("港口", True), ("ok", False)]


@pytest.mark.parametrize("query", ["", "?!", "。、", "the", "THE the", "\u200d", "ـ", "\x00", '"'])
def test_punctuation_and_stop_words_alone_find_nothing(tmp_path, query):
    index = said(tmp_path, "the 港口 ... دِن")
    assert index.find(query) == {}
    assert index.matched(query, 0) == ()


def test_stop_words_may_be_of_any_script(tmp_path):
    said(tmp_path, "это La港口")
    index = FullText(tmp_path / "words.sqlite", {"это", "là"})
    assert index.query_words("ЭТО la 港口") == ["港口"]
