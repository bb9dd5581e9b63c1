"""The pass on a GPU keeps what it promises on the CPU: bits, batches that do not fit, processes side by side."""

import dataclasses
import functools
import logging

import numpy as np
import pytest
import torch

from extractors import configs, registry
from extractors.extraction.batches import Batches
from extractors.extraction.one_pass import Wanted
from pipeline.stores import parts, store
from pipeline.weights.files import WeightOptions
from tests.clips import make_clip
from tests.devices import GPU, gpu_only, on_every_device
from tests.extractors.executors.test_local import extract
from tests.extractors.run_experts import EXPERTS, OPTIONS, video_of
from tests.inline_jobs import inline_jobs

NAMES = ("face_light", "audio", "rgb_light")
"""Two with networks, and one without."""


def fresh(*names, batch_size=4):
    """Shipped experts on stand-ins, each with networks of its own that are loaded once."""
    experts = [registry.expert(name, EXPERTS, WeightOptions(seeded=True)) for name in names]
    for expert in experts:
        expert.extractor.load = functools.cache(expert.extractor.load)
    small = {"batch_size": batch_size}
    return [
        dataclasses.replace(one, config=dataclasses.replace(one.config, runtime=configs.Runtime(**small)))
        for one in experts
    ]


@pytest.fixture(scope="module")
def videos(tmp_path_factory, rich_clip):
    folder = tmp_path_factory.mktemp("pass")
    made = [make_clip(folder / f"{number}.mp4", seconds=1 + number) for number in range(3)]
    return [(path, video_of(path)) for path in (rich_clip, *made)]


@pytest.fixture(scope="module")
def kept(tmp_path_factory, videos):
    """(device, names) -> the folder of what one pass over the videos keeps; each is run once."""

    @functools.cache
    def run(device, names):
        folder = tmp_path_factory.mktemp("kept")
        options = dataclasses.replace(OPTIONS, device=device, videos_per_part=2)
        with inline_jobs():
            assert extract([device], wanted(fresh(*names), videos, folder), videos, options) == {}
        return folder

    return run


def wanted(experts, videos, folder):
    keys = frozenset(video.content for _, video in videos)
    return [Wanted(expert, folder / expert.name, keys) for expert in experts]


def assert_same(one, other, name, videos):
    """The same rows with the same bits."""
    store.forget_scans()
    assert store.rows(one / name) == store.rows(other / name)
    for _, video in videos:
        expected, found = (parts.read_features(folder / name, video.content) for folder in (one, other))
        assert found.values.tobytes() == expected.values.tobytes(), (name, video.video_id)
        assert found.times_s.tobytes() == expected.times_s.tobytes(), (name, video.video_id)


@on_every_device
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_fused_or_alone_gives_the_same_bits(kept, videos, device, name):
    assert_same(kept(device, (name,)), kept(device, NAMES), name, videos)


ON_GPU = [pytest.param(GPU, name, marks=gpu_only) for name in (*NAMES, "face", "flow", "ocr", "speech")]
"""With those whose networks see more or less by what is in the videos; on a CPU they take long."""


@pytest.mark.slow
@pytest.mark.parametrize(("device", "name"), [*(("cpu", name) for name in NAMES), *ON_GPU])
def test_a_video_has_the_same_bits_whichever_videos_are_beside_it(kept, videos, device, name, tmp_path):
    options = dataclasses.replace(OPTIONS, device=device)
    for number, (path, video) in enumerate(videos):
        folder = tmp_path / str(number)
        with inline_jobs():
            assert extract([device], wanted(fresh(name), [(path, video)], folder), [(path, video)], options) == {}
        alone, together = (
            parts.read_features(store_folder / name, video.content) for store_folder in (folder, kept(device, (name,)))
        )
        assert alone.values.tobytes() == together.values.tobytes(), video.video_id
        assert alone.extras.keys() == together.extras.keys()
        for extra in alone.extras:
            np.testing.assert_array_equal(alone.extras[extra], together.extras[extra], f"{video.video_id} {extra}")


@on_every_device
@pytest.mark.slow
def test_the_same_pass_gives_the_same_bits_twice(kept, videos, device):
    first = kept(device, NAMES)
    again = kept.__wrapped__(device, NAMES)
    for name in NAMES:
        assert_same(first, again, name, videos)


@on_every_device
@pytest.mark.slow
def test_two_processes_on_one_device_give_the_bits_of_one(kept, videos, device, tmp_path):
    options = dataclasses.replace(OPTIONS, device=device, videos_per_part=2, workers=1)
    assert extract([device, device], wanted(fresh(*NAMES), videos, tmp_path), videos, options) == {}
    for name in NAMES:
        assert_same(kept(device, NAMES), tmp_path, name, videos)


def loaded(device, batch_size=8):
    (expert,) = fresh("audio", batch_size=batch_size)
    batches = Batches(expert, device)
    batches.load()
    return expert.extractor, batches


def patches(number):
    return np.random.default_rng(0).standard_normal((number, 96, 64), np.float32)


@on_every_device
def test_a_batch_that_does_not_fit_is_halved_and_gives_the_same(device, monkeypatch, caplog):
    extractor, batches = loaded(device)
    expected = batches.embed(patches(8)).values
    real, tried = extractor.embed, []

    def short_of_memory(items):
        tried.append(len(items))
        if len(items) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return real(items)

    monkeypatch.setattr(extractor, "embed", short_of_memory)
    with caplog.at_level(logging.WARNING):
        found = [batches.embed(patches(8)).values for _ in range(2)]
    assert tried == [8, 4, 2, 2, 4, 2, 2, 2, 2, 2, 2][: len(tried)]
    assert tried[-4:] == [2, 2, 2, 2], "later batches start with what fitted"
    assert len(caplog.records) == 1
    for values in found:
        assert np.linalg.norm(values - expected) <= 1e-2 * np.linalg.norm(expected)


@pytest.mark.parametrize("device", [pytest.param(GPU, marks=gpu_only)])
def test_a_gpu_that_is_really_full_halves_the_batch(device, caplog):
    _, batches = loaded(device)
    whole = patches(2048)
    expected = batches.embed(whole).values
    torch.cuda.empty_cache()
    in_use, total = torch.cuda.memory_reserved(device), torch.cuda.mem_get_info(device)[1]
    # More than half of what the first layer alone gives for the whole batch: 64 channels of 96 x 64 numbers.
    torch.cuda.set_per_process_memory_fraction((in_use + 0.6 * len(whole) * 64 * 96 * 64 * 4) / total, device)
    try:
        with caplog.at_level(logging.WARNING):
            found = batches.embed(whole).values
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
    assert "the GPU's memory is full" in caplog.text
    assert np.linalg.norm(found - expected) <= 1e-2 * np.linalg.norm(expected)
