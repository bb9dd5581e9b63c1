"""Checks README and manual against the project: their commands, paths, tables and examples."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import luigi
import numpy as np
import pytest
import yaml
from luigi.task_register import Register
from packaging.requirements import Requirement

import tasks
from benchmarks import (
    cpu_networks,
    decoding,
    fusion_table,
    growth,
    long_video,
    peers,
    planning,
    profiling,
    startup,
    training,
)
from benchmarks.gpu.keep import KEPT
from benchmarks.gpu.table import readme
from benchmarks.stamps import table as stamps
from extractors import registry
from pipeline import config
from pipeline.datasets.annotations import DatasetConfig
from pipeline.released.releases import zoo
from pipeline.stores import parts, store
from pipeline.weights.files import WeightOptions
from tasks.plan import settings
from tests import licences
from tests.clips import make_clip

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MANUAL = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
DOCUMENTS = MANUAL + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"luigi --module tasks ([A-Z][^`|#\n]*)", DOCUMENTS)))

SOURCES = {
    "fusion": "benchmarks/fusion.json",
    "gpu": "benchmarks/gpu.json",
    "growth": "benchmarks/growth.json",
    "long_video": "benchmarks/long_video.json",
    "stamps": "benchmarks/stamps.json",
    "packages": "pyproject.toml",
    "peers": "benchmarks/peers.json",
    "planning": "benchmarks/planning.json",
    "profile": "benchmarks/profiling.json",
    "decoding": "benchmarks/decoding.json",
    "training": "benchmarks/training.json",
    "startup": "benchmarks/startup.json",
    "cpu_networks": "benchmarks/cpu_networks.json",
}
"""Generated part of a page -> what it is generated from, where that is not configs/."""


def block(first_line: str) -> str:
    """The content of the fenced block that begins with this line."""
    return next(text for text in re.findall(r"```\w*\n(.*?)```", MANUAL, re.DOTALL) if text.startswith(first_line))


def test_the_readme_is_read_in_a_few_minutes():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


def test_every_page_is_built_and_every_link_leads_somewhere(tmp_path):
    for name in ("docs", "mkdocs.yml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    program = Path(sys.executable).with_name("zensical")
    ran = subprocess.run(
        [program, "build", "--strict", "-f", "mkdocs.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    nav = str(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    for page in PAGES[1:]:
        assert f"'{page.name}'" in nav, "every page has its place in the navigation"
        assert (tmp_path / "site" / page.with_suffix(".html").name).is_file()


def test_every_link_of_the_readme_leads_to_a_file():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_there_are_commands_to_check():
    assert len(COMMANDS) >= 6


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_names_a_task_and_options_that_exist(command):
    name, *words = command.split()
    assert name in tasks.__all__
    options = Register.get_task_cls(name).get_params()
    known = {option.replace("_", "-") for option, _ in options}
    sections = [getattr(settings, section) for section in ("Engine", "Extraction", "Paths", "Weights")]
    known |= {f"{one.__name__}-{option.replace('_', '-')}" for one in sections for option, _ in one.get_params()}
    assert {word.removeprefix("--") for word in words if word.startswith("--")} <= known


def test_pip_understands_all_that_it_is_told_to_install():
    told = re.findall(r"""pip install (?:-[-\w]+\s)*(?:"([^"]+)"|'([^']+)'|([\w.\[\]][\w.\[\]-]*))""", DOCUMENTS)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert len(told) >= 8
    for word in map("".join, told):
        checkout = re.fullmatch(r"\.(?:\[(.+)\])?", word)  # which is no requirement, and for a name @ pip wants a URL
        wanted = Requirement(f"expert-retrieval{word.removeprefix('.')}" if checkout else word)
        assert wanted.url is None, word
        assert wanted.name != "expert-retrieval" or wanted.extras <= extras.keys(), word


def test_every_make_target_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"`?make (\w+)", DOCUMENTS)) - {"and", "it"}
    assert targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets), targets


def test_every_folder_and_file_that_is_named_is_there():
    named = re.findall(r"`((?:pipeline|extractors|models|search|tasks|configs|data|tests)/[\w./]*)`", MANUAL)
    made_by_the_reader = {"configs/datasets/mine.yaml"}
    missing = [path for path in set(named) - made_by_the_reader if not (is_told_of(path) or (ROOT / path).exists())]
    assert named
    assert not missing


def is_told_of(path: str) -> bool:
    """Whether the table of data/README.md has a folder: runs make those in data/, so a fresh clone has none of them."""
    table = (ROOT / "data/README.md").read_text(encoding="utf-8")
    return path.startswith("data/") and f"`{path.removeprefix('data/').rstrip('/')}/`" in table


def test_the_dataset_example_is_a_dataset():
    written = config.parse(DatasetConfig, yaml.safe_load(block("videos: /somewhere")), "README")
    assert written.captions == "/somewhere/captions.csv"


@pytest.mark.parametrize(
    "name",
    [
        "experts",
        "zoo",
        "gpu",
        "stamps",
        "weights",
        "packages",
        "peers",
        "planning",
        "profile",
        "decoding",
        "fusion",
        "training",
        "growth",
        "long_video",
        "startup",
        "cpu_networks",
    ],
)
def test_the_tables_are_what_the_configs_say(name):
    source = SOURCES.get(name, "configs")
    begin = f"<!-- {name}: generated from {source} by tests/test_readme.py -->"
    end = f"<!-- /{name} -->"
    tables = {
        "experts": experts_table,
        "zoo": lambda: zoo(ROOT / "configs/datasets"),
        "fusion": lambda: fusion_table.readme(ROOT / "benchmarks/fusion.json"),
        "gpu": lambda: readme(KEPT),
        "weights": licences.weights_table,
        "packages": licences.packages_table,
        "stamps": lambda: stamps.readme(ROOT / "benchmarks/stamps.json"),
        "growth": lambda: growth.table(ROOT / "benchmarks/growth.json"),
        "long_video": lambda: long_video.table(ROOT / "benchmarks/long_video.json"),
        "peers": lambda: peers.table(ROOT / "benchmarks/peers.json"),
        "planning": lambda: planning.table(ROOT / "benchmarks/planning.json"),
        "profile": lambda: profiling.table(ROOT / "benchmarks/profiling.json"),
        "decoding": lambda: decoding.table(ROOT / "benchmarks/decoding.json"),
        "training": lambda: training.table(ROOT / "benchmarks/training.json"),
        "startup": lambda: startup.table(ROOT / "benchmarks/startup.json"),
        "cpu_networks": lambda: cpu_networks.table(ROOT / "benchmarks/cpu_networks.json"),
    }
    pages = [*PAGES, ROOT / "benchmarks/README.md"]
    (page,) = [page for page in pages if begin in page.read_text(encoding="utf-8")]
    text, table = page.read_text(encoding="utf-8"), tables[name]()
    expected = f"{begin}\n{table.strip()}\n{end}"
    found = text[text.index(begin) : text.index(end) + len(end)]
    if os.environ.get("UPDATE_README"):
        page.write_text(text.replace(found, expected), encoding="utf-8")
    else:
        assert found == expected, f"{source} changed: UPDATE_README=1 pytest tests/test_readme.py"


def test_the_example_of_a_further_network_is_an_expert_and_its_text_tower(tmp_path):
    for kind in ("experts", "text"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "metaclip.yaml").write_text(block(f"# configs/{kind}/metaclip.yaml"), encoding="utf-8")
    expert = registry.expert("metaclip", tmp_path / "experts", WeightOptions(seeded=True))
    towers = registry.text_towers([expert], tmp_path / "text")
    assert towers == {"metaclip": tmp_path / "text" / "metaclip.yaml"}


def test_the_flow_example_is_an_expert(tmp_path):
    (tmp_path / "flow_i3d.yaml").write_text(block("# configs/experts/flow_i3d.yaml"), encoding="utf-8")
    need = registry.expert("flow_i3d", tmp_path, WeightOptions(seeded=True)).extractor.need
    assert (need.window, need.stride, need.short_px, need.crop_px) == (65, 64, 256, None)


def experts_table() -> str:
    lines = ["| expert | modality | D | what it sees |", "| --- | --- | --- | --- |"]
    for name in config.names(ROOT / "configs/experts"):
        expert = registry.expert(name, ROOT / "configs/experts")
        if expert.is_imported:
            continue  # the zoo lists those
        text = (ROOT / f"configs/experts/{name}.yaml").read_text(encoding="utf-8")
        comment = " ".join(re.match(r"((?:#.*\n)*)", text).group(1).replace("#", " ").split())
        first = re.split(r"(?<=[a-z)])\.(?: |$)", comment)[0]
        lines.append(f"| {name} | {expert.config.modality} | {expert.extractor.dim} | {first} |")
    return "\n".join(lines)


def test_the_store_example_reads_a_store(tmp_path):
    folder = tmp_path / "data/store/features/ocr_light/0123456789ab"
    words = np.array(["stop", "bus"])
    features = [
        parts.Features(np.zeros((0, 4), np.float32), np.zeros((0, 2))),
        parts.Features(np.ones((2, 4), np.float32), np.array([[0, 1], [1, 2.0]]), {"text": words}),
    ]
    parts.publish(folder, [store.Row("a", 0), store.Row("b", 2)], features, 4)
    ran = subprocess.run(
        [sys.executable, "-c", block("import glob, zarr")], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "'stop' 'bus'" in ran.stdout
    assert "(2, 4)" in ran.stdout


@pytest.mark.slow
def test_the_expert_example_runs_with_nothing_else_edited(tmp_path):
    for folder in ("pipeline", "extractors", "models", "search", "tasks", "configs"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "luigi.cfg", tmp_path)
    for first_line in ("# extractors/brightness.py", "# configs/experts/brightness.yaml"):
        text = block(first_line)
        (tmp_path / first_line.removeprefix("# ")).write_text(text, encoding="utf-8")
    videos = tmp_path / "videos"
    videos.mkdir()
    make_clip(videos / "one.mp4", seconds=2)
    (tmp_path / "configs/datasets/mine.yaml").write_text("videos: videos\n", encoding="utf-8")
    command = "ExtractExpert --dataset mine --expert brightness"
    subprocess.run(
        [sys.executable, "-m", "luigi", "--module", "tasks", *command.split()],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=True,
        timeout=120,
    )
    folder = next((tmp_path / "data/store/features/brightness").iterdir())
    (row,) = store.rows(folder).values()
    assert row.count == 4  # two a second
    features = parts.read_features(folder, row.key)
    assert features is not None
    assert ((features.values > 0) & (features.values < 1)).all()


def test_the_environment_file_installs_the_project_on_the_python_that_it_needs():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"python{metadata['requires-python']}" in environment["dependencies"]
    assert environment["dependencies"][-1] == {"pip": ["-e ."]}
    assert environment["name"] == metadata["name"]
    assert len((ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()) <= 40


def locked(name):
    """Package -> version of a lock."""
    lock = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in lock, "it names no address"
    return dict(re.findall(r"^([\w.-]+)==([^ \\]+)", lock, re.MULTILINE))


def test_the_locks_hold_every_package_of_the_project_in_the_same_versions():
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras, runs, develops = (
        metadata["optional-dependencies"],
        locked("requirements.lock"),
        locked("requirements-dev.lock"),
    )

    def names(lines):
        return {re.match(r"[\w-]+", line).group().lower().replace("_", "-") for line in lines}

    assert names(metadata["dependencies"] + extras["packaged-weights"]) <= runs.keys()
    assert names(extras["dev"] + extras["ray"]) <= develops.keys()
    assert runs.items() <= develops.items()


def test_luigi_is_configured_to_fail_loudly_and_to_need_no_daemon():
    settings = luigi.configuration.get_config()
    assert settings.getboolean("core", "local_scheduler")
    assert settings.getboolean("core", "no_lock")
    assert settings.getint("retcode", "task_failed") > 0


def test_the_citation_names_this_version_and_the_papers():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"cff-version", "message", "title", "authors"} <= cited.keys(), "what the Citation File Format 1.2.0 demands"
    assert (cited["version"], cited["license"]) == (project["version"], project["license"])
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "1907.13487" in str(cited["references"])
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").split()[:4] == ["Apache", "License", "Version", "2.0,"]


def test_the_image_is_built_of_files_that_are_there():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = [name for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE) for name in line.split()]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    sent = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    assert sent == set(copied), "nothing else is sent, and nothing that is copied is left out"
    python = re.search(r"^FROM python:(3\.\d+)", text, re.MULTILINE)[1]
    assert python in {"3.11", "3.12"}
    assert text.index("USER somebody") < text.index("CMD"), "not as root"
