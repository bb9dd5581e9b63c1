"""Examines machine and installation with Python's own library alone: what is broken may be any other."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.doctor import decoders, folders, gpu, packages
from pipeline.doctor.findings import Finding, checked
from pipeline.doctor.machine import machine
from pipeline.doctor.probe_imports import ALL, LIGHT
from pipeline.doctor.probes import Probe

DEADLINE_S, LONG_DEADLINE_S = 120.0, 600.0
"""On a machine that is busy, or reads its libraries from a slow disk."""


def examine(places: Mapping[str, Path], dated: Sequence[Path], full: bool = False) -> Iterator[Finding]:
    """Findings on versions, machine, decoders, GPUs, folders and the clock.

    `places`: what a folder is called -> folder that is written to. `dated`: files and folders whose dates are looked
    at. `full`: also imports every library, which takes a minute.
    """
    deadline_s = LONG_DEADLINE_S if full else DEADLINE_S
    has_gpu = gpu.has_nvidia()
    codecs = Probe("probe_codecs", deadline_s)
    imports = Probe("probe_imports", deadline_s, ALL if full else LIGHT)
    torch = Probe("probe_torch", deadline_s) if has_gpu else None
    yield from checked("packages", packages.versions)
    yield from checked("packages", packages.requirements)
    yield from checked("machine", machine)
    yield from checked(gpu.SUBJECT, lambda: gpu.with_gpu(torch.answer()) if torch else gpu.without_gpu())
    for name, path in places.items():
        yield from checked(name, partial(folders.folder, name, path))
    yield from checked("clock", partial(folders.clock, dated))
    yield from checked("packages", lambda: _imports(imports.answer()))
    yield from checked(decoders.SUBJECT, lambda: decoders.decoders(codecs.answer()))


def _imports(told: dict[str, Any]) -> Iterator[Finding]:
    if "broken" not in told:
        yield Finding("packages", "fault", f"cannot be imported: {told.get('error', 'no answer')}")
    for module, why in told.get("broken", {}).items():
        advice = "pip install --force-reinstall what holds it, or make clean and make .venv/.installed"
        yield Finding("packages", "fault", f"{module} cannot be imported: {why}", advice)
