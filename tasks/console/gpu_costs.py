"""Prints how long an extraction takes on a GPU that was measured."""

from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError
from tasks.console.extraction_estimate import duration
from tasks.console.terminal import print_json, print_table, tell
from tasks.plan.inventory import Inventory


def print_gpu_costs(inventory: Inventory, gpu: str, measured: str, as_json: bool = False) -> None:
    """Prints the hours that each selected expert takes, and all of them in one pass, or that there are no figures.

    `measured`: path of the figures; empty for the default. ConfigError if the total duration of the videos is unknown.
    """
    costs = gpu_costs(inventory, gpu, measured)
    if as_json:
        print_json(costs)
    elif costs["reason"]:
        tell(costs["reason"])
    else:
        rows = [
            [cost["expert"], f"{cost['times_real_time']:,.0f}", duration(cost["hours"])]
            if cost["times_real_time"] and cost["hours"] is not None
            else [cost["expert"], "not measured", ""]
            for cost in costs["experts"]
        ]
        title = (
            f"{costs['dataset']}: {costs['hours']:.1f} hours of video on one {costs['gpu']} and {costs['cores']} "
            f"cores, {costs['date']}"
        )
        print_table(title, ["expert", "times real time", "takes"], rows)
        tell(
            "Measured on generated clips of 320x240, all in one pass of 1280x720; Whisper on stand-ins that never end "
            "early"
        )


def gpu_costs(inventory: Inventory, gpu: str, measured: str) -> dict[str, Any]:
    """The same as plain values; "reason" is empty where there are figures. Arguments as for `print_gpu_costs`."""
    from extractors.extraction import gpu_rates

    path = Path(measured) if measured else gpu_rates.MEASURED
    rates = gpu_rates.read_rates(path, gpu)
    dataset = inventory.selection.dataset
    if rates is None:
        known = ", ".join(gpu_rates.measured_gpus(path)) or "none"
        reason = f"No figures of a GPU called {gpu!r} in {path} (it has {known}); {gpu_rates.HOW}"
        return {"dataset": dataset, "gpu": gpu, "experts": [], "reason": reason}
    hours = _hours_of_video(inventory)
    names = [expert.name for expert in inventory.selection.experts if not expert.is_imported]
    experts = [
        {"expert": cost.name, "times_real_time": cost.times_real_time, "hours": cost.hours}
        for cost in gpu_rates.costs(rates, names, hours)
    ]
    facts = {"gpu": rates.gpu, "cores": rates.cores, "date": rates.date, "hours": hours}
    return {"dataset": dataset, **facts, "experts": experts, "reason": ""}


def _hours_of_video(inventory: Inventory) -> float:
    """From the manifest, or as published."""
    manifest, selection = inventory.manifest(), inventory.selection
    if manifest is not None:
        return sum(dict(zip(manifest.videos.contents, manifest.videos.durations_s, strict=True)).values()) / 3600
    if selection.settings.hours is None:
        raise ConfigError(
            f"{selection.dataset}: the total duration of its videos is not known; run BuildManifest --dataset "
            f"{selection.dataset}, or put hours: into its YAML"
        )
    return selection.settings.hours
