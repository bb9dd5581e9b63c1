import pytest
import yaml

from pipeline import plain_data
from pipeline.plain_data import MAX_DEPTH, MAX_VALUES, parse_json, parse_yaml

BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    + [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 10)]
)
MERGE_BOMB = "\n".join(
    ["a0: &a0 {x: 1}"]
    + [f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 9)}]}}" for level in range(1, 10)]
)


def complaint(text):
    with pytest.raises(ValueError, match=r".") as caught:
        parse_yaml(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["a: [1, 2.5, x, ~, true]\nb: {c: &d [1], e: *d}", "- 1\n- {x: y}", "word", "", "a: &m {x: 1}\nb: {<<: *m, y: 2}"],
)
def test_what_is_plain_is_read_as_pyyaml_reads_it(text):
    assert parse_yaml(text) == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("text", "expected", "line"),
    [
        ("a: 1\n? [1, 2]\n: x", "a key must be a word or a number, not a list or a mapping", 2),
        ("a: 1\n{b: 2}: x", "a key must be a word or a number", 2),
        ("a: 1\nb: {[1]: 2}", "a key must be a word or a number", 2),
        ("a: 1\na: 2", "key 'a' is there twice", 2),
        ("a: 1\nb: 2024-13-45", "month must be in 1..12", 2),
        ("a: 1\nb: !!int x", "invalid literal", 2),
        ("a: 1\nb: !!timestamp x", "", 2),
        ("a: &x\n  - *x", "an alias inside of what it stands for", 2),
        ("a: &x {b: *x}", "an alias inside of what it stands for", 1),
        ("a: " + "9" * 5000, "", 1),
        ("a: " + "[" * 5000, f"more than {MAX_DEPTH} levels", 1),
        ("\n" * 3 + "a: " + "[" * 5000 + "]" * 5000, f"more than {MAX_DEPTH} levels", 4),
        ("a: " + "{x: " * 5000 + "1" + "}" * 5000, f"more than {MAX_DEPTH} levels", 1),
        ("\n".join(" " * depth + "x:" for depth in range(200)), f"more than {MAX_DEPTH} levels", MAX_DEPTH),
        (BOMB, f"more than {MAX_VALUES} values", 6),
        (MERGE_BOMB, f"more than {MAX_VALUES} values", 6),
    ],
)
def test_what_is_not_plain_is_refused_with_its_line(text, expected, line):
    message = complaint(text)
    assert expected in message
    assert f"line {line}," in message


def test_as_many_levels_as_allowed_are_read():
    inner = MAX_DEPTH - 2  # the mapping and the innermost value
    assert parse_yaml("a: " + "[" * inner + "1" + "]" * inner)
    assert "levels" in complaint("a: " + "[" * (inner + 1) + "1" + "]" * (inner + 1))


def test_an_alias_counts_as_what_it_stands_for(monkeypatch):
    text = "a: &x [1, 2, 3]\nb: [*x, *x]"
    values = 1 + 2 * 1 + (1 + 3) + (1 + 2 * 4)  # mapping, keys, first list, second list
    monkeypatch.setattr(plain_data, "MAX_VALUES", values)
    parse_yaml(text)
    monkeypatch.setattr(plain_data, "MAX_VALUES", values - 1)
    assert f"more than {values - 1} values" in complaint(text)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000])
def test_json_that_is_nested_too_deeply_is_a_plain_error(text):
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json(text)


@pytest.mark.parametrize("text", ["", "{", "nul", b"\xff\xfe\xff", "9" * 5000])
def test_what_is_no_json_is_a_plain_error(text):
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


def test_json_is_read():
    assert parse_json('{"a": [1, null, "x"]}') == {"a": [1, None, "x"]}
