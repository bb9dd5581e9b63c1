"""Step c: one pass of all experts over clips like MSR-VTT's, in float32 and with TF32, and over some of 720p."""

import dataclasses
import time
from pathlib import Path

from benchmarks.gpu.experts import expert_called, in_a_pass, loaded, reason_of, videos_of
from benchmarks.gpu.step import Case, Figures, run_step
from benchmarks.gpu.videos import NARROW, WIDE
from extractors.configs import Precision
from extractors.networks.base import NetworkExtractor
from extractors.networks.placing import network_to_device
from extractors.registry import NamedExpert
from pipeline.errors import PipelineError
from pipeline.running.cpu import prepare_for_networks

ALL = "all in one pass"
WITH_TF32 = "all in one pass, tf32"
AT_720P = "all at 720p"


def work(case: Case, figures: Figures) -> None:
    """With those whose packages are there."""
    prepare_for_networks()
    sizes = case.sizes
    videos = videos_of(Path(case.work), NARROW, sizes.clip_s, sizes.fused_clips)
    there = []
    for name in sizes.fused:
        try:
            expert = expert_called(name)
            loaded(expert, videos[0][0], case)
            there.append(expert)
        except (ImportError, PipelineError, RuntimeError) as error:
            figures.leave_out(name, reason_of(error))
    told = {"experts": [expert.name for expert in there]}
    narrow = told | {"size": "x".join(map(str, NARROW))}
    began = time.monotonic()
    figures.keep(ALL, narrow | in_a_pass(there, videos, case))
    took_s = time.monotonic() - began
    if is_time_left(WITH_TF32, took_s, case, figures):
        with_tf32 = [in_precision(expert, "tf32", case.device) for expert in there]
        figures.keep(WITH_TF32, narrow | in_a_pass(with_tf32, videos, case))
        there = [in_precision(expert, "fp32", case.device) for expert in there]
    if is_time_left(AT_720P, took_s, case, figures):
        videos = videos_of(Path(case.work), WIDE, sizes.wide_clip_s, sizes.wide_clips)
        figures.keep(AT_720P, told | {"size": "x".join(map(str, WIDE))} | in_a_pass(there, videos, case))


def is_time_left(name: str, took_s: float, case: Case, figures: Figures) -> bool:
    """Whether a pass can be had that takes no longer than the first one; one that cannot is left out by its name."""
    if case.left_s() >= took_s or case.small:
        return True
    figures.leave_out(name, "no time left")
    return False


def in_precision(expert: NamedExpert, precision: Precision, device: str) -> NamedExpert:
    """The expert with this `precision` in its YAML; its networks, which stay loaded, lie in memory as they would."""
    extractor = expert.extractor
    extractor.precision = precision
    if isinstance(extractor, NetworkExtractor) and hasattr(extractor, "network"):  # on a CPU VGGish has none of torch
        extractor.network = network_to_device(extractor.network, device, extractor.is_channels_last(device))
    return dataclasses.replace(expert, config=dataclasses.replace(expert.config, precision=precision))


if __name__ == "__main__":
    run_step(work)
