"""What of an address is shown, kept and made a name."""

import pytest

from pipeline.remote_files.addresses import is_hidden, name_of, shown, stable, unsafe

SIGNED = "https://Me:secret@Cdn.Example.org/a%20b/x.mp4?X-Amz-Signature=5ec4e7&v=2&sig=5ec4e7"


def test_neither_what_is_shown_nor_what_is_kept_holds_a_credential():
    for text in (shown(SIGNED), stable(SIGNED), name_of(SIGNED)):
        assert "secret" not in text and "5ec4e7" not in text


def test_a_name_says_host_path_and_what_of_the_query_tells_videos_apart():
    assert name_of(SIGNED) == "cdn.example.org/a b/x?v=2.mp4"
    assert name_of("https://a.org/get?id=1") != name_of("https://a.org/get?id=2")
    assert name_of("http://a.org/x.mp4") == name_of("https://a.org/x.mp4") == "a.org/x.mp4"


def test_keys_of_buckets_may_hold_the_signs_of_queries():
    assert name_of("s3://box/a?b#c%20.mp4") == "box/a?b#c%20.mp4"


def test_a_part_that_no_file_system_takes_is_cut_and_keeps_its_suffix():
    first, second = (name_of(f"https://a.org/{'é' * 300}{end}.mp4") for end in "xy")
    assert first != second and first.endswith(".mp4")
    assert max(len(part.encode()) for part in first.split("/")) <= 240


@pytest.mark.parametrize(
    "key",
    ["../a.mp4", "a/../../b", "/etc/passwd", "a//b", "a/./b", "a\0b", "a\nb", "x" * 256, "", "a/", "\ud800", "\x1b[2J"],
)
def test_keys_that_would_lead_out_of_a_folder_or_are_no_names_are_unsafe(key):
    assert unsafe(key)


@pytest.mark.parametrize("key", ["a.mp4", "ünï/日本語 'q' $(x);&#%20.mp4", "a..b/c...", "~/x", "-rf"])
def test_strange_names_are_safe(key):
    assert not unsafe(key)


def test_hidden_is_what_a_folder_hides_too():
    assert is_hidden(".a") and is_hidden("a/.b/c") and not is_hidden("a.b/c")
