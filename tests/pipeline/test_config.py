import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from extractors.configs import ExpertConfig, TextConfig
from models import config as model_config
from pipeline import config
from pipeline.datasets.annotations import DatasetConfig
from pipeline.errors import ConfigError

CONFIGS = Path(__file__).parents[2] / "configs"
KINDS = {"experts": ExpertConfig, "text": TextConfig, "datasets": DatasetConfig}


@dataclass(frozen=True)
class Inner:
    __pydantic_config__ = config.STRICT
    bins: int = 8
    colour: Literal["lab", "rgb"] = "lab"

    def __post_init__(self):
        if self.bins < 1:
            raise ValueError("bins must be at least 1")


@dataclass(frozen=True)
class Outer:
    __pydantic_config__ = config.STRICT
    name: str
    fps: float = 2.0
    sizes: tuple[int, int] = (4, 3)
    inner: Inner = field(default_factory=Inner)
    many: tuple[Inner, ...] = ()
    free: dict[str, Any] = field(default_factory=dict)
    note: str | None = None
    fast: bool = False


def load(folder, text):
    path = folder / "some.yaml"
    path.write_text(text, encoding="utf-8")
    return config.load(Outer, path)


def complaint(folder, text):
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    message = str(caught.value)
    assert message.startswith(str(folder / "some.yaml")), "the file is named first"
    assert "\n" not in message
    return message


def test_what_the_file_does_not_say_keeps_its_default(tmp_path):
    assert load(tmp_path, "name: x") == Outer("x")
    loaded = load(
        tmp_path, "name: x\nfps: 3\nsizes: [1, 2]\ninner: {bins: 2, colour: rgb}\nnote: ~\nfree: {a: [1, {b: 2}]}"
    )
    assert loaded == Outer("x", 3.0, (1, 2), Inner(2, "rgb"), free={"a": [1, {"b": 2}]})
    assert isinstance(loaded.fps, float)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: x\nfsp: 3", "unknown key 'fsp' (did you mean 'fps'?)"),
        ("name: x\ninner: {bin: 3}", "unknown key 'inner.bin' (did you mean 'bins'?)"),
        ("fps: 3", "key 'name' is missing"),
        ("nmae: x", "unknown key 'nmae' (did you mean 'name'?)"),
        ("name: 3", "key 'name'"),
        ("name: x\nfps: quick", "'quick'"),
        ("name: x\nfps: '3'", "key 'fps'"),
        ("name: x\nfps: true", "key 'fps'"),
        ("name: x\nfast: 1", "key 'fast'"),
        ("name: x\nfast: 'no'", "key 'fast'"),
        ("name: x\nsizes: [1, 2, 3]", "key 'sizes"),
        ("name: x\nsizes: [1, 2.5]", "2.5"),
        ("name: x\nsizes: 4", "key 'sizes'"),
        ("name: x\ninner: {bins: 0}", "bins must be at least 1"),
        ("name: x\ninner: {colour: hsv}", "'lab' or 'rgb'"),
        ("name: x\ninner: 3", "key 'inner'"),
        ("name: x\ninner: ~", "key 'inner'"),
        ("name: x\nmany: [{bins: 1}, {bans: 1}]", "unknown key 'many.1.bans'"),
        ("name: x\n3: y", "3"),
        ("name: ~", "key 'name'"),
    ],
)
def test_a_wrong_value_is_told_with_its_key(tmp_path, text, expected):
    assert expected in complaint(tmp_path, text)


def test_an_unknown_key_that_resembles_none_is_told_with_all_that_there_are(tmp_path):
    message = complaint(tmp_path, "name: x\nqqqqqqq: 3")
    assert all(key in message for key in ("fast", "fps", "inner", "many", "name", "note", "sizes", "free"))


@pytest.mark.parametrize("value", [".inf", "-.inf", ".nan"])
def test_a_number_that_is_not_finite_is_refused(tmp_path, value):
    complaint(tmp_path, f"name: x\nfps: {value}")


@pytest.mark.parametrize("value", ["2024-01-01", "!!binary aGk=", "!!set {a, b}", "{1: 2}"])
def test_a_free_value_that_yaml_has_and_json_lacks_is_refused_or_kept_as_text(tmp_path, value):
    try:
        loaded = load(tmp_path, f"name: x\nfree: {{a: {value}}}")
    except ConfigError as error:
        assert "plain number, text, list or mapping" in str(error)
    else:
        assert loaded.free == {"a": {"1": 2}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [1, 2", "not valid YAML"),
        ("a: b: c", "not valid YAML"),
        ("\tname: x", "not valid YAML"),
        ("a: !!python/object/apply:os.system ['true']", "not valid YAML"),
        ("a: *nobody", "not valid YAML"),
        ("", "expected 'key: value' lines, found NoneType"),
        ("- a\n- b", "found list"),
        ("just words", "found str"),
        ("name: \x00", "not valid YAML"),
    ],
)
def test_a_file_that_is_no_mapping_is_one_line(tmp_path, text, expected):
    assert expected in complaint(tmp_path, text)


def test_a_file_that_is_not_text_is_one_line(tmp_path):
    path = tmp_path / "some.yaml"
    path.write_bytes(b"name: \xff\xfe\x00x")
    with pytest.raises(ConfigError, match="cannot be read"):
        config.read_yaml(path)


def test_a_byte_order_mark_does_no_harm(tmp_path):
    (tmp_path / "some.yaml").write_bytes(b"\xef\xbb\xbfname: x\n")
    assert config.load(Outer, tmp_path / "some.yaml") == Outer("x")


def test_a_folder_in_place_of_a_file_is_one_line(tmp_path):
    (tmp_path / "some.yaml").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        config.read_yaml(tmp_path / "some.yaml")


def test_a_missing_file_is_told_with_the_nearest_name(tmp_path):
    (tmp_path / "msrvtt.yaml").write_text("a: 1")
    with pytest.raises(ConfigError, match=r"no such file \(did you mean 'msrvtt'\?"):
        config.read_yaml(tmp_path / "msrvt.yaml")


def test_a_config_is_chosen_by_its_stem(tmp_path):
    for name in ("demo", "msrvtt"):
        (tmp_path / f"{name}.yaml").write_text("a: 1")
    (tmp_path / "notes.txt").write_text("not a config")
    assert config.names(tmp_path) == ["demo", "msrvtt"]
    assert config.choose(tmp_path, "demo") == tmp_path / "demo.yaml"
    with pytest.raises(ConfigError, match="did you mean 'msrvtt'"):
        config.choose(tmp_path, "msr-vtt")
    with pytest.raises(ConfigError, match="there are: demo, msrvtt"):
        config.choose(tmp_path, "qqqqqqqqqq")


@pytest.mark.parametrize("name", ["", "../demo", "sub/demo", "demo.yaml", "*", "demo\n"])
def test_a_name_that_is_no_stem_leads_nowhere(tmp_path, name):
    (tmp_path / "demo.yaml").write_text("a: 1")
    with pytest.raises(ConfigError):
        config.choose(tmp_path, name)


def test_a_missing_or_empty_folder_is_one_line(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert config.names(folder) == []
        with pytest.raises(ConfigError, match=r"no demo\.yaml in"):
            config.choose(folder, "demo")


def test_every_shipped_config_can_be_read():
    paths = sorted(CONFIGS.rglob("*.yaml"))
    assert len(paths) >= 9, "7 experts, 1 text encoder and 1 dataset at least"
    for path in paths:
        if path.parent.name == "models":  # a word may stand for a block
            assert model_config.load(path.stem, path.parent)
        else:
            kind = KINDS.get(path.parent.name)
            assert config.load(kind, path) if kind else config.read_yaml(path)


def test_every_shipped_config_says_in_its_first_line_what_it_is():
    for path in CONFIGS.rglob("*.yaml"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("# "), path
        assert len(first) > 20, path


def test_a_key_that_is_there_twice_is_a_mistake(tmp_path):
    path = tmp_path / "twice.yaml"
    path.write_text("a: 1\nb: {c: 1, c: 2}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="'c' is there twice"):
        config.read_yaml(path)


@pytest.mark.parametrize(
    "text",
    [
        "name: x\nfree: {a: " + "[" * 5000 + "]" * 5000 + "}",
        "? [name]\n: x",
        "name: x\nnote: 2024-13-45",
        'name: "\\ud800"',
        "name: x\nfree: &a {b: *a}",
    ],
)
def test_what_pyyaml_chokes_on_is_one_line_that_names_the_file(tmp_path, text):
    complaint(tmp_path, text)


def test_a_file_that_is_too_large_for_a_config_is_not_parsed(tmp_path):
    assert "larger than 1 MB" in complaint(tmp_path, "name: x\n" + "# comment\n" * 100_000)


def test_what_is_no_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "some.yaml")
    with pytest.raises(ConfigError, match=r"some\.yaml: cannot be read"):
        config.load(Outer, tmp_path / "some.yaml")


def inheriting(folder):
    """A folder of configs that inherits the shipped ones, with a new expert and one in another's place."""
    (folder / "experts").mkdir(parents=True)
    (folder / config.INHERITS).write_text("", encoding="utf-8")
    (folder / "experts/mine.yaml").write_text("extractor: mine\nmodality: mine\n", encoding="utf-8")
    (folder / "experts/rgb_lite.yaml").write_text("extractor: mine\nmodality: rgb\n", encoding="utf-8")
    return folder


def test_a_folder_that_inherits_has_the_shipped_configs_behind_its_own(tmp_path):
    experts = inheriting(tmp_path / "configs") / "experts"
    shipped = {path.stem for path in (CONFIGS / "experts").glob("*.yaml")}
    assert config.names(experts) == sorted(shipped | {"mine"})
    assert config.load(ExpertConfig, config.choose(experts, "rgb_lite")).extractor == "mine"
    assert config.choose(experts, "ocr_light").read_bytes() == (CONFIGS / "experts/ocr_light.yaml").read_bytes()
    assert config.load(ExpertConfig, experts / "ocr_light.yaml").modality == "ocr"
    with pytest.raises(ConfigError, match=r"no ocr_lihgt.yaml in .* \(did you mean 'ocr_light'\?"):
        config.choose(experts, "ocr_lihgt")
    assert config.find(tmp_path / "configs/search.yaml").read_bytes() == (CONFIGS / "search.yaml").read_bytes()


def test_a_folder_that_does_not_inherit_has_its_own_configs_alone(tmp_path):
    configs = inheriting(tmp_path / "configs")
    (configs / config.INHERITS).unlink()
    assert config.names(configs / "experts") == ["mine", "rgb_lite"]
    missing = configs / "experts/ocr_light.yaml"
    assert config.find(missing) == missing


def test_what_one_reader_changes_no_other_one_sees(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("name: x\nfree: {list: [1]}\n", encoding="utf-8")
    config.read_yaml(path)["free"]["list"].append(2)
    assert config.read_yaml(path) == {"name": "x", "free": {"list": [1]}}


def test_a_file_that_has_changed_is_read_anew(tmp_path):
    path = tmp_path / "a.yaml"
    for text, expected in (("name: x", "x"), ("name: y", "y"), ("name: x", "x")):
        path.write_text(text, encoding="utf-8")
        assert config.load(Outer, path).name == expected
