"""The tables of docs/licences.md: licences of weights and of packages, as their publishers say."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

from extractors import registry
from pipeline import config
from pipeline.weights.files import WeightFile

ROOT = Path(__file__).parents[1]
LONGEST = 60
"""Some packages have the whole text of their licence where its name belongs."""


def weights_table() -> str:
    """A row for each different weight file: who loads it, where it is from, its licence."""
    users: dict[tuple[str, str], list[str]] = {}
    for kind, make in (("experts", registry.expert), ("text", registry.text)):
        for name in config.names(ROOT / "configs" / kind):
            named = make(name, ROOT / "configs" / kind)
            loaded = named.extractor if kind == "experts" else named.encoder
            for file in loaded.weight_files().values():
                users.setdefault((_source(file), file.licence), []).append(name)
    rows = [
        f"| {', '.join(dict.fromkeys(names))} | {source} | {licence} |" for (source, licence), names in users.items()
    ]
    return "\n".join(["| loaded by | from | licence |", "| --- | --- | --- |", *sorted(rows)])


def _source(file: WeightFile) -> str:
    return f"package `{file.package}`" if file.package else f"`{re.sub('^https?://', '', file.url)}`"


def packages_table() -> str:
    """A row for each package that pyproject.toml asks for where the program runs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + extras["packaged-weights"] + extras["ray"]
    names = sorted({re.match(r"[\w-]+", line).group() for line in wanted})
    return "\n".join(["| package | licence |", "| --- | --- |", *(f"| {name} | {_licence(name)} |" for name in names)])


def _licence(package: str) -> str:
    """The SPDX expression of a package; else its free text or classifier."""
    said = metadata.metadata(package)
    text = (said.get("License") or "").strip()
    classified = [line.split(" :: ")[-1] for line in said.get_all("Classifier") or [] if line.startswith("License ::")]
    short = text if len(text) <= LONGEST and "\n" not in text and text not in {"UNKNOWN", ""} else ""
    return said.get("License-Expression") or short or ", ".join(classified)
