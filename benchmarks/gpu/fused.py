"""Step c: one pass of all experts over 60 s of 720p with sound, and over four times as much."""

from pathlib import Path

from benchmarks.extraction_case import video_of
from benchmarks.gpu.experts import expert_called, in_a_pass, loaded, reason_of
from benchmarks.gpu.step import Case, Figures, run_step
from benchmarks.gpu.videos import WIDE, clips
from pipeline.errors import PipelineError
from pipeline.running.cpu import prepare_for_networks

ALL = "all in one pass"
COPIES = 4


def work(case: Case, figures: Figures) -> None:
    """With those whose packages are there."""
    prepare_for_networks()
    sizes = case.sizes
    paths = clips(Path(case.work), WIDE, sizes.wide_clip_s, COPIES * sizes.wide_clips)
    videos = [(path, video_of(path)) for path in paths]
    there = []
    for name in sizes.fused:
        try:
            expert = expert_called(name)
            loaded(expert, paths[0], case)
            there.append(expert)
        except (ImportError, PipelineError, RuntimeError) as error:
            figures.leave_out(name, reason_of(error))
    told = {"experts": [expert.name for expert in there], "size": "x".join(map(str, WIDE))}
    figures.keep(ALL, told | in_a_pass(there, videos, case))


if __name__ == "__main__":
    run_step(work)
