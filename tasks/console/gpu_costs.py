"""Prints how long an extraction takes on a GPU that was measured."""

from pathlib import Path

from pipeline.errors import ConfigError
from tasks.console.extraction_estimate import duration
from tasks.console.terminal import print_table, say
from tasks.plan.inventory import Inventory


def print_gpu_costs(inventory: Inventory, gpu: str, measured: str) -> None:
    """Prints the hours that each selected expert takes, and all of them in one pass, or that there are no figures.

    `measured`: path of the figures; empty for the default. ConfigError if the total duration of the videos is unknown.
    """
    from extractors.extraction import gpu_rates

    path = Path(measured) if measured else gpu_rates.MEASURED
    rates = gpu_rates.read_rates(path, gpu)
    if rates is None:
        known = ", ".join(gpu_rates.measured_gpus(path)) or "none"
        say(f"No figures of a GPU called {gpu!r} in {path} (it has {known}); {gpu_rates.HOW}")
        return
    hours = _hours_of_video(inventory)
    names = [expert.name for expert in inventory.selection.experts if not expert.is_imported]
    rows = [
        [cost.name, f"{cost.times_real_time:,.0f}", duration(cost.hours)]
        if cost.times_real_time and cost.hours is not None
        else [cost.name, "not measured", ""]
        for cost in gpu_rates.costs(rates, names, hours)
    ]
    dataset = inventory.selection.dataset
    title = f"{dataset}: {hours:.1f} hours of video on one {rates.gpu} and {rates.cores} cores, {rates.date}"
    print_table(title, ["expert", "times real time", "takes"], rows)
    say(
        "Measured on generated clips of 320x240, all in one pass of 1280x720; Whisper on stand-ins that never end early"
    )


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
