import pytest

from pipeline.texts.languages import Kind, flags_in, kind_of, language_code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("eng", "en"),
        ("en-US", "en"),
        ("zh-Hans-CN", "zh"),
        ("pt_BR", "pt"),
        ("English", "en"),
        ("ger", "de"),
        ("deu", "de"),
        ("en-orig", "en"),
        ("2", ""),
        ("part", ""),
        ("final", ""),
        ("", ""),
        ("und", ""),
    ],
)
def test_codes_of_two_and_three_letters_and_names_of_languages_are_known(name, code):
    assert language_code(name) == code


@pytest.mark.parametrize(
    ("name", "language", "flags"),
    [
        ("en", "en", set()),
        ("en.forced", "en", {"forced"}),
        ("forced.en", "en", {"forced"}),
        ("eng.sdh", "en", {"impaired"}),
        ("en.hi", "en", {"impaired"}),
        ("hi", "hi", set()),
        ("forced", "", {"forced"}),
        ("de.default", "de", {"default"}),
        ("en.full", "en", set()),
    ],
)
def test_a_name_says_the_language_and_the_kind(name, language, flags):
    assert kind_of(name.split(".")) == Kind(language, frozenset(flags))


@pytest.mark.parametrize("name", ["2", "en.2", "final", "1080p", ""])
def test_a_name_with_anything_else_says_nothing(name):
    assert kind_of(name.split(".")) is None


def test_titles_of_tracks_say_what_dispositions_do_not():
    assert flags_in("English (SDH)") == {"impaired"}
    assert flags_in("Signs & Songs [Forced]") == {"forced"}
    assert flags_in("Director's Commentary") == {"commentary"}
    assert flags_in("Oh hi, Mark") == frozenset()


def test_whole_dialogue_in_the_wanted_language_ranks_first():
    forced, commentary = (Kind("en", frozenset({flag})) for flag in ("forced", "commentary"))
    kinds = [forced, Kind("de"), commentary, Kind(), Kind("en")]
    expected = [Kind("en"), Kind(), Kind("de"), commentary, forced]
    assert sorted(kinds, key=lambda kind: kind.rank("en")) == expected
    assert Kind("de").rank("") == Kind("en").rank("")
