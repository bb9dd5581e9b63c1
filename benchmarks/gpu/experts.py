"""Step b: each expert alone, on items made beforehand and in a pass with its decoding; who waits for whom."""

import dataclasses
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.extraction_case import DEADLINE_S, VIDEOS_PER_PART, items_of, load_once, video_of, wanted
from benchmarks.gpu.kernels import forget_peak, in_kernels, peak_mb, synchronise, timed
from benchmarks.gpu.stand_ins import take_real_time
from benchmarks.gpu.step import Case, Figures, rounded, run_step
from benchmarks.gpu.videos import NARROW, clips
from benchmarks.gpu.waits import watched
from extractors import registry
from extractors.base import AudioNeed, FrameNeed, JointNeed, Need, SpreadNeed
from extractors.extraction.batches import Batches
from extractors.extraction.one_pass import PassOptions, extract
from extractors.networks.device import share_cores
from extractors.networks.placing import array_to_device
from extractors.registry import NamedExpert
from pipeline.datasets.manifest import Video
from pipeline.errors import PipelineError
from pipeline.running.cpu import prepare_for_networks
from pipeline.weights.files import WeightOptions

EXPERTS = Path(__file__).parents[2] / "configs" / "experts"
SPARE_S = 20.0
"""One expert takes about this long, most of it for its stand-ins."""

Videos = list[tuple[Path, Video]]


def work(case: Case, figures: Figures) -> None:
    """Expert by expert, the most wanted first, until the time is over."""
    prepare_for_networks()
    sizes = case.sizes
    videos = videos_of(Path(case.work), NARROW, sizes.clip_s, sizes.most_clips)
    for name in sizes.experts:
        if case.left_s() < SPARE_S and not case.small:
            figures.leave_out(name, "no time left")
            continue
        try:
            figures.keep(name, measured(expert_called(name), videos, case))
            print(name, figures.told["figures"][name], flush=True)
        except (ImportError, PipelineError, RuntimeError) as error:
            figures.leave_out(name, reason_of(error))
        forget_peak(case.device)


def expert_called(name: str) -> NamedExpert:
    """A shipped expert on stand-ins: no file is needed."""
    return registry.expert(name, EXPERTS, WeightOptions(seeded=True))


def reason_of(error: Exception) -> str:
    """In one line."""
    if isinstance(error, ModuleNotFoundError):
        return f"the package {error.name} is missing"
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def videos_of(folder: Path, size: tuple[int, int], clip_s: float, copies: int) -> Videos:
    """Copies of one clip, as a pass is given them."""
    paths = clips(folder, size, clip_s, copies)
    first = video_of(paths[0])
    return [(path, dataclasses.replace(first, video_id=path.name, content=path.name)) for path in paths]


def measured(expert: NamedExpert, videos: Videos, case: Case) -> dict[str, Any]:
    """Both ways, in a pass over as many videos as the networks take some seconds for."""
    networks, batch, per_video = loaded(expert, videos[0][0], case)
    config = expert.config
    told = {
        "item": item_of(expert.extractor.need),
        "batch_size": config.runtime.batch_size_on(case.device),
        "precision": config.precision,
    }
    told["alone"] = alone(networks, batch, case)
    num_videos = round(case.sizes.pass_s * told["alone"]["items_per_s"] / max(1, per_video))
    some = videos[: max(case.sizes.clips, num_videos)]
    told["pass"] = in_a_pass([expert], some, case)
    if shares := told["alone"].get("shares"):
        of_items = told["pass"]["times_real_time"] * per_video / some[0][1].duration_s
        told["pass"]["kernels"] = rounded(shares["kernels"] * of_items / told["alone"]["items_per_s"], 3)
    return told


def item_of(need: Need) -> str:
    """What `embed` is given one of."""
    if isinstance(need, AudioNeed):
        return f"{need.window_s:g} s of sound"
    if isinstance(need, JointNeed):
        return " and ".join(item_of(part) for part in (need.frames, need.sound, need.words) if part)
    if isinstance(need, SpreadNeed):
        return f"{need.num_frames} frames spread over {f'{need.clip_s:g} s' if need.clip_s else 'the video'}"
    if isinstance(need, FrameNeed) and need.window > 1:
        return f"window of {need.window} frames"
    return "frame" if isinstance(need, FrameNeed) else "word"


def loaded(expert: NamedExpert, path: Path, case: Case) -> tuple[Batches, np.ndarray, int]:
    """The networks, which have seen a batch and stay loaded for the passes to come, a full batch of a video's items,
    and how many it has."""
    load_once(expert)
    networks = Batches(expert, case.device)
    networks.load()
    take_real_time(expert)
    items = np.stack(list(items_of(expert, path)))
    size = min(expert.config.runtime.batch_size_on(case.device), case.sizes.most_items)
    batch = items[np.arange(size) % len(items)]
    networks.embed(batch)
    return networks, batch, len(items)


def alone(networks: Batches, batch: np.ndarray, case: Case) -> dict[str, Any]:
    """A batch that is in memory, again and again."""
    forget_peak(case.device)
    times, wall_s = timed(lambda: networks.embed(batch), case.sizes.least_s, case.device)
    told = {"items_per_s": rounded(times * len(batch) / wall_s), "gpu_mb": peak_mb(case.device)}
    told["copy_share"] = rounded(copy_s(batch, case.device) / (wall_s / times), 2)
    shares = in_kernels(lambda: networks.embed(batch), case.device)
    return told | ({"shares": shares} if shares else {})


def copy_s(batch: np.ndarray, device: str) -> float:
    """Seconds that a batch takes to the device."""

    def send() -> None:
        array_to_device(batch, device)
        synchronise(device)

    times, wall_s = timed(send, 0.05, device)
    return wall_s / times


def in_a_pass(experts: list[NamedExpert], videos: Videos, case: Case) -> dict[str, Any]:
    """What `ExtractExpert` does; from a short pass and the whole one follows what starting takes, and the rest.

    `kernels`, which is added to it: the share of the rest in which kernels ran, if they took as long as alone.
    """
    forget_peak(case.device)
    short, _ = timed_pass(experts, videos[: max(1, len(videos) // 4)], case)
    whole, shares = timed_pass(experts, videos, case)
    video_s = [sum(video.duration_s for _, video in some) for some in (videos[: max(1, len(videos) // 4)], videos)]
    told = {"video_s": rounded(video_s[1]), "wall_s": rounded(whole), "waits": shares, "gpu_mb": peak_mb(case.device)}
    rate = (whole - short) / (video_s[1] - video_s[0]) if video_s[1] > video_s[0] and whole > short else 0.0
    rate = rate or whole / video_s[1]
    told |= {"times_real_time": rounded(1 / rate), "start_s": rounded(max(0.0, whole - rate * video_s[1]), 2)}
    return told


def timed_pass(experts: list[NamedExpert], videos: Videos, case: Case) -> tuple[float, dict[str, float]]:
    """Seconds, and who waited; into a store that is thrown away."""
    options = PassOptions(share_cores(case.sizes.workers, case.device), DEADLINE_S, VIDEOS_PER_PART, case.device)
    with tempfile.TemporaryDirectory(dir=case.work) as folder, watched() as waits:
        began = time.perf_counter()
        errors = extract(wanted(experts, videos, Path(folder)), videos, options)
        wall_s = time.perf_counter() - began
    if errors:
        raise RuntimeError("; ".join(f"{name}: {error}" for name, error in errors.items()))
    return wall_s, waits.shares()


if __name__ == "__main__":
    run_step(work)
