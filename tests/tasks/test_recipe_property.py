"""Every field of every config is changed in turn, and exactly the stages of its class in field_classes.py are stale."""

import dataclasses
import json
import shutil
import typing
from pathlib import Path

import luigi
import pytest
import yaml

from extractors import registry
from extractors.configs import ExpertConfig, TextConfig
from models.config import ModelConfig
from pipeline.datasets.annotations import DatasetConfig
from pipeline.errors import ConfigError
from pipeline.stores.fingerprint import fingerprint
from pipeline.weights.files import WeightFile
from search.config import SearchConfig
from tasks import ExtractExpert
from tasks.plan import settings
from tasks.plan.index_plan import IndexPlan
from tasks.plan.plan import load_plan
from tests.inline_jobs import inline_jobs
from tests.tasks.field_classes import (
    CLASSES,
    DATASET,
    EXPERT,
    IN_MANUAL,
    LUIGI,
    MODEL_FIELDS,
    NOT_ALONE,
    SEARCH,
    TEXT,
    WEIGHTS,
)
from tests.tasks.labelled_project import add_labels
from tests.tasks.project import CONFIGS, MODEL, Project

ROOT = Path(__file__).parents[2]


def fields(cls: type, prefix: str = "") -> list[str]:
    """The paths of all fields of a config dataclass; one that may be left out as a whole counts as one field."""
    hints, paths = typing.get_type_hints(cls), []
    for field in dataclasses.fields(cls):
        nested = hints[field.name]
        whole = not dataclasses.is_dataclass(nested) or field.name == "split_fractions"
        paths += [f"{prefix}{field.name}"] if whole else fields(nested, f"{prefix}{field.name}.")
    return paths


@pytest.mark.parametrize(
    ("cls", "table"),
    [(ExpertConfig, EXPERT), (TextConfig, TEXT), (ModelConfig, MODEL_FIELDS), (DatasetConfig, DATASET),
     (SearchConfig, SEARCH), (WeightFile, WEIGHTS)],
)  # fmt: skip
def test_every_field_of_every_config_has_a_class_and_every_class_a_field(cls, table):
    assert set(fields(cls)) == set(table) | set(NOT_ALONE.get(cls.__name__, ()))


def test_every_option_of_luigi_cfg_that_could_change_a_result_has_a_class():
    for section, options in LUIGI.items():
        assert {name for name, _ in getattr(settings, section).get_params()} == set(options)


def test_the_classes_say_what_the_readme_says():
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in (ROOT / "docs/reruns.md").read_text().splitlines()
    ]
    table = {row[0]: row[1:] for row in rows if len(row) == 4}
    for row, name in IN_MANUAL.items():
        told = [cell.partition("(")[0].strip() not in {"-", ""} for cell in table[row]]
        stages = CLASSES[name]
        experts = "expert" in stages or row.startswith("new expert")
        assert told == ["manifest" in stages, experts, "train" in stages], row


def changed(content: dict, path: str, value: object) -> dict:
    """The content of a YAML with another value at `path`; a mapping for a field of a block is merged into the block."""
    *blocks, last = path.split(".")
    content = json.loads(json.dumps(content))
    block = content
    for name in blocks:
        block = block.setdefault(name, {})
    if isinstance(value, dict) and last in value:
        block.update(value)
    else:
        block[last] = value
    return content


def stages_of(project: Project, options: dict[str, dict[str, str]] | None = None) -> dict[str, object]:
    """Stage -> its fingerprint, or None where it cannot be known until another stage has run again."""
    with project.process(**(options or {}).get("Extraction", {})), inline_jobs():
        for name, value in (options or {}).get("Weights", {}).items():
            luigi.configuration.get_config().set("Weights", name, value)
        plan = load_plan(settings.Paths().layout, "tiny")
        if plan.inventory.manifest() is None:
            plan.inventory.build_manifest(1, 60.0, lambda done, of: None)
        recipes = {
            "expert": {name: plan.selection.expert(name).recipe for name in ("rgb_light", "speech_light")},
            "text": plan.selection.text.recipe,
            "train": plan.train_recipe(0),
            "evaluate": plan.evaluate_recipe(plan.selection.seeds(""), "test"),
            "index": IndexPlan(plan).recipe(),
        }
        manifest = plan.inventory.manifest()
        assert manifest is not None
        named = {stage: recipe and fingerprint(recipe) for stage, recipe in recipes.items()}
        return named | {"manifest": manifest.fingerprint}


def stale(project: Project, before: dict[str, object], **options) -> set[str]:
    now = stages_of(project, **options)
    return {stage for stage in now if now[stage] != before[stage]}


def wrong_classes(project: Project, path: Path, table: dict[str, tuple[str, object]]) -> dict[str, str]:
    """Field -> the stages that its change makes stale, for the fields where these are not the ones of its class."""
    original, before, wrong = path.read_text(encoding="utf-8"), stages_of(project), {}
    for field, (name, value) in table.items():
        content = changed(yaml.safe_load(original), field, value)
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        found = stale(project, before)
        if found != CLASSES[name]:
            wrong[field] = f"{sorted(found)}, not {sorted(CLASSES[name])}"
    path.write_text(original, encoding="utf-8")
    assert stages_of(project) == before, "what is put back is as before"
    return wrong


@pytest.fixture
def rich(project):
    """The finished project, with something that each field can change."""
    project.write_config("models", "second", MODEL | {"experts": ["rgb_light"]})
    project.write_config("text", "shorter", {"encoder": "words", "params": {"longest": 4}})
    shutil.copy(CONFIGS / "experts" / "scene_light.yaml", project.configs / "experts")
    return project


def test_the_fields_of_an_expert(rich):
    rgb = rich.configs / "experts" / "rgb_light.yaml"
    without_params = yaml.safe_load(rgb.read_text()) | {"params": {}}
    rgb.write_text(yaml.safe_dump(without_params))
    pooled = {"model.pool", "model.clusters", "model.max_tokens"}
    assert wrong_classes(rich, rgb, {name: one for name, one in EXPERT.items() if name not in pooled}) == {}
    speech = rich.configs / "experts" / "speech_light.yaml"
    assert wrong_classes(rich, speech, {name: EXPERT[name] for name in pooled}) == {}


def test_the_fields_of_a_text_encoder(rich):
    path = rich.configs / "text" / "words_hashed.yaml"
    assert wrong_classes(rich, path, TEXT | {"params.longest": ("text", 4)}) == {}


def test_the_fields_of_a_model(rich):
    assert wrong_classes(rich, rich.configs / "models" / "tiny.yaml", MODEL_FIELDS) == {}


def test_the_fields_of_a_dataset(rich):
    rich.rows += [row | {"caption": "another one"} for row in rich.rows[:2]]
    for row in rich.rows[4:8]:
        row["split"] = ""
    rich.write_captions()
    shutil.copytree(rich.videos, rich.root / "copied")
    other = rich.captions.read_text().replace("another one", "quite another")
    (rich.root / "other.csv").write_text(other)
    here = {"videos": str(rich.root / "copied"), "captions": str(rich.root / "other.csv")}
    table = {name: (effect, here.get(name, value)) for name, (effect, value) in DATASET.items()}
    assert wrong_classes(rich, rich.configs / "datasets" / "tiny.yaml", table) == {}


def test_the_fields_of_the_search(rich):
    add_labels(rich)
    rich.run(ExtractExpert, dataset="tiny", expert="things")
    assert wrong_classes(rich, rich.configs / "search.yaml", SEARCH) == {}


def test_the_options_of_luigi_cfg(rich):
    before = stages_of(rich)
    for name, value in LUIGI["Extraction"].items():
        assert stale(rich, before, options={"Extraction": {name: value}}) == set(), name
    for name, value in LUIGI["Weights"].items():
        changed_options = dataclasses.replace(
            settings.WeightOptions(), **{name: {"true": True}.get(value, Path(value) if name == "cache" else value)}
        )
        for expert in ("rgb_resnet50", "rgb_light"):
            same = recipe_of(expert, changed_options) == recipe_of(expert)
            assert same == (name != "seeded" or expert == "rgb_light"), (name, expert)


def recipe_of(expert: str, options=None, folder: Path = CONFIGS / "experts") -> str:
    return fingerprint(registry.expert(expert, folder, options).recipe)


def test_the_fields_of_a_file_of_weights(tmp_path):
    plain = yaml.safe_load((CONFIGS / "experts" / "rgb_resnet50.yaml").read_text())
    file = {"url": "https://example.org/a/resolve/main/a.pth", "sha256": ""}
    found = {}
    for field, (name, value) in WEIGHTS.items():
        recipes = []
        for weights in (file, file | {field: value}):
            (tmp_path / "x.yaml").write_text(yaml.safe_dump(plain | {"weights": {"network": weights}}))
            recipes.append(recipe_of("x", folder=tmp_path))
        if (recipes[0] != recipes[1]) != (name == "expert"):
            found[field] = recipes
    assert found == {}


def other_values(value: object, hint: object) -> list[object]:  # noqa: PLR0911 - one for each type
    """Values like `value` that a field with this type may have, of which some may be refused."""
    if typing.get_origin(hint) is typing.Literal:
        return [other for other in typing.get_args(hint) if other != value]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, (int, float)):
        return [type(value)(other) for other in (value + 1, value * 2, value / 2, value - 1, 0.25)]
    if isinstance(value, str):
        return [value + "x", "hashed", "transformers/google-bert/bert-base-uncased"]
    if isinstance(value, list):
        return [[*value, *value[-1:]], value[:-1], value[::-1], [0.4] * len(value)]
    if isinstance(value, dict):
        return [value | {key: other} for key, one in value.items() for other in other_values(one, None)]
    return [1, 1.5, "x"]


YAMLS = [(kind, path.stem) for kind in ("experts", "text") for path in sorted((CONFIGS / kind).glob("*.yaml"))]


@pytest.mark.parametrize(("kind", "name"), YAMLS)
def test_every_parameter_of_every_shipped_expert_and_text_encoder_is_in_its_recipe(tmp_path, kind, name):
    build = registry.expert if kind == "experts" else registry.text
    plain = yaml.safe_load((CONFIGS / kind / f"{name}.yaml").read_text(encoding="utf-8"))
    whole = build(name, CONFIGS / kind)
    params = (whole.extractor if kind == "experts" else whole.encoder).params
    hints, unseen = typing.get_type_hints(type(params)), []
    for field in dataclasses.fields(params):
        now = json.loads(json.dumps(dataclasses.asdict(params)))[field.name]
        accepted = False
        for value in (other for other in other_values(now, hints[field.name]) if other != now):
            content = plain | {"params": (plain.get("params") or {}) | {field.name: value}}
            (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
            try:
                other = build(name, tmp_path)
            except ConfigError:
                continue
            accepted = True
            if fingerprint(other.recipe) == fingerprint(whole.recipe):
                unseen.append((field.name, value))
        if (
            not accepted and field.name not in whole.recipe["params"]
        ):  # e.g. the name of a network whose size others say
            unseen.append((field.name, "in no recipe"))
    assert unseen == []
