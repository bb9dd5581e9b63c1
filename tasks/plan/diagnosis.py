"""What Doctor finds in a project: its settings, its configs, and which experts have their weights."""

import configparser
import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import luigi

from extractors import registry
from models import config as model_config
from pipeline import config, project
from pipeline.config import nearest
from pipeline.datasets import annotations
from pipeline.doctor import gpu
from pipeline.doctor.examine import examine
from pipeline.doctor.findings import Finding, checked, sorted_by_state
from pipeline.doctor.privacy import shareable
from pipeline.errors import ConfigError, PipelineError, in_one_line
from pipeline.weights.files import WeightOptions
from tasks.plan import at_hand
from tasks.plan.layout import Layout
from tasks.plan.settings import Engine, Extraction, Output, Partial, Paths, Videos, Weights

SECTIONS: tuple[type[luigi.Config], ...] = (Paths, Weights, Extraction, Videos, Engine, Partial, Output)
CORRECT = "correct it; the shipped luigi.cfg tells what each option means"
NO_PROJECT = "go into a project, or make one: expert-retrieval init FOLDER"


def findings(named: str, full: bool = False) -> list[Finding]:
    """All findings on machine, installation and project, faults first, for everybody to read.

    `named`: the project folder as typed; empty: the one that this process is in. `full`: imports every library, too.
    """
    found: list[Finding] = []
    here = Path.cwd()
    try:
        here = project.find(named)
    except ConfigError as error:
        if named or not _layout(here).configs.is_dir():
            found.append(Finding("project", "fault", str(error), NO_PROJECT))
    layout = _layout(here)
    places = {"data folder": layout.data, "store": layout.store, "weights' folder": layout.weights.cache}
    found += examine(places, [layout.configs, here / project.SETTINGS], full)
    found += checked("luigi.cfg", lambda: settings(here / project.SETTINGS))
    found += checked("device", functools.partial(device, list(found)))
    found += checked("configs", lambda: configs(layout))
    found += checked("weights", lambda: weights(layout))
    called = {here: "<project>", layout.data: "<data>", layout.configs: "<configs>", layout.weights.cache: "<weights>"}
    return [
        replace(one, found=shareable(one.found, called), advice=shareable(one.advice, called))
        for one in sorted_by_state(found)
    ]


def settings(path: Path) -> Iterator[Finding]:
    """Whether luigi.cfg can be read, and each section says what it may."""
    if not path.exists():
        yield Finding("luigi.cfg", "ok", "none: the defaults hold")
        return
    broken = list(_broken_settings(path))
    yield from (Finding("luigi.cfg", "fault", what, CORRECT) for what in broken)
    if not broken:
        yield Finding("luigi.cfg", "ok", "can be read")


def _broken_settings(path: Path) -> Iterator[str]:
    written = configparser.ConfigParser(interpolation=None)
    written.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        written.read_string(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        yield f"cannot be read: {in_one_line(error)}"
        return
    for section in SECTIONS:
        name = section.__name__
        known = {option for option, _ in section.get_params()}
        for option in written.options(name) if written.has_section(name) else []:
            if option.replace("-", "_") not in known:
                yield f"[{name}] has no option {option}{nearest(option, sorted(known))}"
        try:
            section()
        except Exception as error:  # of luigi, configparser and the parameters
            option = str(error).rpartition(" of ")[2].strip("'")  # luigi names it at the end of its message
            yield f"[{name}] {option}: {error.__cause__}" if error.__cause__ else f"[{name}]: {in_one_line(error)}"


def device(found: Sequence[Finding]) -> Iterator[Finding]:
    """Whether [Extraction] device names a GPU where none works; `found`: what is known of GPUs."""
    named = Extraction().device
    works = any(one.subject == gpu.SUBJECT and one.state != "fault" and one.found.startswith("cuda") for one in found)
    if "cuda" in named and not works:
        yield Finding("device", "fault", f"[Extraction] device = {named}, and no GPU works here",
                      "device = auto takes the GPUs that work, or the CPU")  # fmt: skip
    else:
        yield Finding("device", "ok", f"[Extraction] device = {named}")


def _layout(here: Path) -> Layout:
    """As the settings have it, or by default where they cannot be read; with absolute paths."""
    try:
        layout = Paths().layout
    except Exception:  # told among the settings
        layout = Layout(Path("data"), Path("configs"), WeightOptions(Path("data/weights")))
    weights = replace(layout.weights, cache=here / layout.weights.cache)
    return Layout(here / layout.data, here / layout.configs, weights)


def configs(layout: Layout) -> Iterator[Finding]:
    """Which YAMLs cannot be used, and how many there are."""
    kinds: dict[str, Callable[[str, Path], object]] = {
        "datasets": annotations.load_dataset,
        "models": model_config.load,
        "experts": lambda name, folder: registry.expert(name, folder, layout.weights),
        "text": lambda name, folder: registry.text(name, folder, layout.weights),
    }
    counts = []
    for kind, load in kinds.items():
        folder = layout.configs / kind
        names = config.names(folder)
        counts.append(f"{len(names)} {kind}")
        for name in names:
            try:
                load(name, folder)
            except Exception as error:  # also what a module of the user's own raises
                what = str(error) if isinstance(error, PipelineError) else in_one_line(error)
                what = what.removeprefix(f"{folder / name}.yaml: ")
                yield Finding("configs", "fault", f"{kind}/{name}.yaml: {what}", "correct it, or delete it")
    yield Finding("configs", "ok", ", ".join(counts))


def weights(layout: Layout) -> Iterator[Finding]:
    """Which experts run at once, and which need what."""
    if layout.weights.seeded:
        yield Finding("weights", "note", "stand-ins: all runs, and the features mean nothing",
                      "[Weights] seeded = false in luigi.cfg")  # fmt: skip
        return
    ready, lacking = [], []
    for name in config.names(layout.configs / "experts"):
        with suppress(Exception):  # one that cannot be used is told among the configs
            if registry.expert(name, layout.configs / "experts", layout.weights).is_imported:
                continue
            (choice,) = at_hand.choose([[name]], layout)
            if choice.expert:
                ready.append(name)
            else:
                lacking.append(f"{name} ({choice.lacking[name]})")
    yield Finding("weights", "ok", f"here, or not needed: {', '.join(ready) or 'of no expert'}")
    if lacking:
        offline = "; [Weights] offline = true keeps it from fetching" if layout.weights.offline else ""
        advice = f"luigi --module tasks FetchWeights --networks experts/NAME, or what stands behind the name{offline}"
        yield Finding("weights", "note", f"not here: {', '.join(lacking)}", advice)
