"""Step c: one pass of all experts over clips like MSR-VTT's, and over some of 720p."""

from pathlib import Path

from benchmarks.gpu.experts import expert_called, in_a_pass, loaded, reason_of, videos_of
from benchmarks.gpu.step import Case, Figures, run_step
from benchmarks.gpu.videos import NARROW, WIDE
from pipeline.errors import PipelineError
from pipeline.running.cpu import prepare_for_networks

ALL = "all in one pass"
AT_720P = "all at 720p"
SPARE_S = 25.0
"""That those of 720p take."""


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
    figures.keep(ALL, told | {"size": "x".join(map(str, NARROW))} | in_a_pass(there, videos, case))
    if case.left_s() < SPARE_S and not case.small:
        figures.leave_out(AT_720P, "no time left")
        return
    videos = videos_of(Path(case.work), WIDE, sizes.wide_clip_s, sizes.wide_clips)
    figures.keep(AT_720P, told | {"size": "x".join(map(str, WIDE))} | in_a_pass(there, videos, case))


if __name__ == "__main__":
    run_step(work)
