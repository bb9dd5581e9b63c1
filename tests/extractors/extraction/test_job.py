import dataclasses
import multiprocessing
import pickle
import shutil
from pathlib import Path

import pytest
import yaml

from extractors import registry
from extractors.base import Plugin
from extractors.extraction import kept
from extractors.extraction.job import Folders, Terms, chunk_jobs, extract_chunk, todo_of, total_video_s
from extractors.extraction.one_pass import Wanted, run_pass
from extractors.extraction.watch import Watch
from pipeline.datasets.annotations import Caption
from pipeline.datasets.manifest import Video
from pipeline.errors import ConfigError
from pipeline.stores import parts, store
from pipeline.stores.fingerprint import fingerprint
from pipeline.weights.files import WeightOptions
from tests.clips import make_clip
from tests.extractors.run_experts import EXPERTS, OPTIONS, named, video_of
from tests.inline_jobs import inline_jobs
from tests.pipeline.hosts import hosts

__all__ = ["hosts"]

NAMES = ["rgb_light", "audio_light"]
FOUR = dataclasses.replace(OPTIONS, workers=1, videos_per_part=4)


def terms(folder, configs=EXPERTS.parent, options=FOUR):
    folders = Folders(folder, folder / "store", configs)
    return Terms("some", folders, WeightOptions(folder / "weights", seeded=True), options)


def listed(number):
    """Entries of so many videos that are nowhere."""
    caption = Caption("a caption that a job need not carry")
    return [
        (Path(f"{i}.mp4"), Video(f"{i}.mp4", f"{i:032}", "", (caption,), 1.5, True, True, False)) for i in range(number)
    ]


def lacking(folder, lacked):
    """Name -> numbers of the videos that an expert lacks, as Wanted."""
    return [
        Wanted(named(name), folder / name, frozenset(f"{i:032}" for i in numbers)) for name, numbers in lacked.items()
    ]


def test_each_video_is_in_one_job_with_the_experts_that_lack_it(tmp_path):
    lacked = {NAMES[0]: range(10), NAMES[1]: [2, 3, 9]}
    jobs = list(chunk_jobs(lacking(tmp_path, lacked), listed(12), terms(tmp_path)))
    assert [len(job.videos) for job in jobs] == [4, 4, 2]
    dealt = [(int(video.content), names) for job in jobs for _, video, names in job.videos]
    assert dealt == [(i, tuple(name for name in NAMES if i in lacked[name])) for i in range(10)], "in manifest order"
    assert [list(job.experts) for job in jobs] == [NAMES, NAMES[:1], NAMES]
    assert jobs[0].experts == {name: fingerprint(named(name).recipe) for name in NAMES}
    assert [job.video_s for job in jobs] == [6.0, 6.0, 3.0]


def test_chunks_are_cut_by_the_position_in_the_manifest_whatever_is_lacking(tmp_path):
    def cut(numbers):
        jobs = chunk_jobs(lacking(tmp_path, {NAMES[0]: numbers}), listed(12), terms(tmp_path))
        return {job.number: [int(video.content) for _, video, _ in job.videos] for job in jobs}

    assert cut(range(12)) == {0: [0, 1, 2, 3], 1: [4, 5, 6, 7], 2: [8, 9, 10, 11]}
    assert cut([3, 10]) == {0: [3], 2: [10]}, "a chunk that lacks nothing has no job"
    assert cut([]) == {}


def test_of_equal_content_the_first_file_is_extracted(tmp_path):
    videos = listed(6)
    videos[5] = (Path("copy.mp4"), videos[1][1])
    jobs = list(chunk_jobs(lacking(tmp_path, {NAMES[0]: [1, 4]}), videos, terms(tmp_path)))
    assert [(job.number, [path.name for path, *_ in job.videos]) for job in jobs] == [(0, ["1.mp4"]), (1, ["4.mp4"])]
    assert total_video_s(lacking(tmp_path, {NAMES[0]: [1, 4]}), videos) == sum(job.video_s for job in jobs) == 3.0


def test_a_job_is_small_and_carries_the_keys_of_its_chunk_alone(tmp_path):
    options = dataclasses.replace(OPTIONS, videos_per_part=64)
    videos = [
        (
            tmp_path / "a folder" / path.name,
            dataclasses.replace(video, stamps=(1 << 20, 1 << 60), captions=20 * video.captions),
        )
        for path, video in listed(640)
    ]
    names = ["rgb_light", "audio_light", "flow_light", "face_light", "ocr_light", "scene_light", "speech_light"]
    jobs = list(
        chunk_jobs(lacking(tmp_path, dict.fromkeys(names, range(640))), videos, terms(tmp_path, options=options))
    )
    assert len(jobs) == 10
    sizes = [len(pickle.dumps(job)) for job in jobs]
    assert max(sizes) < 16_000, sizes
    assert pickle.loads(pickle.dumps(jobs[3])) == jobs[3]


@pytest.fixture
def clips(tmp_path):
    made = [make_clip(tmp_path / f"{number}.mp4", seconds=0.5 + 0.1 * number, size=(96, 72)) for number in range(6)]
    return [(path, video_of(path)) for path in made]


@pytest.fixture
def configs(tmp_path):
    """Configs of a host of its own, with a network on stand-in weights."""
    folder = tmp_path / "configs"
    (folder / "experts").mkdir(parents=True)
    for name in ("rgb_light", "audio_light", "rgb_lite"):
        shutil.copy(EXPERTS / f"{name}.yaml", folder / "experts")
    kept._built.cache_clear()
    kept._adopted.clear()
    return folder


def jobs_of(folder, configs, clips, names=NAMES, videos_per_part=2):
    options = dataclasses.replace(OPTIONS, workers=1, videos_per_part=videos_per_part)
    where = terms(folder, configs, options)
    experts = [registry.expert(name, configs / "experts", where.weights) for name in names]
    contents = frozenset(video.content for _, video in clips)
    wanted = [Wanted(one, folder / "store" / one.name, contents) for one in experts]
    return list(chunk_jobs(wanted, clips, where))


def test_networks_are_loaded_once_over_three_chunks(tmp_path, configs, clips, monkeypatch):
    loads = []
    monkeypatch.setattr(Plugin, "load", lambda self, device: loads.append((type(self).__module__, device)))
    jobs = jobs_of(tmp_path, configs, clips)
    assert len(jobs) == 3
    with inline_jobs():
        assert [extract_chunk(job) for job in jobs] == [{}, {}, {}]
    assert sorted(loads) == [("extractors.colour_shape", "cpu"), ("extractors.mel_statistics", "cpu")]
    for folder in jobs[0].stores.values():
        assert store.rows(folder).keys() == {video.content for _, video in clips}


def test_decode_workers_are_kept_from_chunk_to_chunk(tmp_path, configs, clips):
    kept.kept.stop()
    try:
        workers = []
        for job in jobs_of(tmp_path, configs, clips):
            assert extract_chunk(job) == {}
            workers.append({process.pid for process in multiprocessing.active_children()})
    finally:
        kept.kept.stop()
    assert len(workers) == 3
    assert workers[0]
    assert workers[0] == workers[1] == workers[2]


@pytest.mark.slow
def test_chunks_with_kept_networks_and_workers_give_the_bits_of_one_pass(tmp_path, configs, clips):
    """With a network on ONNX Runtime, and one that keeps labels."""
    names = ["rgb_light", "rgb_lite"]
    jobs = jobs_of(tmp_path / "chunks", configs, clips, names)
    for job in jobs:
        assert extract_chunk(job) == {}
    (others,) = jobs_of(tmp_path / "one", configs, clips, names, videos_per_part=6)
    wanted = [
        Wanted(registry.expert(name, configs / "experts", others.weights), others.stores[name], frozenset())
        for name in names
    ]
    assert run_pass(wanted, todo_of([others], wanted), others.options, Watch()) == {}
    for name in names:
        for _, video in clips:
            one, chunk = (parts.read_features(job.stores[name], video.content) for job in (others, jobs[0]))
            assert len(one.values) > 0
            assert chunk.values.tobytes() == one.values.tobytes()
            assert chunk.times_s.tobytes() == one.times_s.tobytes()
            assert chunk.extras.keys() == one.extras.keys()
            for extra in one.extras:
                assert chunk.extras[extra].tobytes() == one.extras[extra].tobytes()
    kept.kept.stop()


def test_a_host_that_never_saw_the_object_storage_puts_its_rows_there(tmp_path, configs, clips, hosts):
    (job, *_) = jobs_of(tmp_path, configs, clips, ["rgb_light"])
    mirror = tmp_path / "nothing" / "here"
    stores = {"rgb_light": mirror / "features" / "rgb_light" / "0123"}
    folders = dataclasses.replace(job.folders, store=mirror, mirrored=hosts.objects.address)
    with inline_jobs():
        assert extract_chunk(dataclasses.replace(job, stores=stores, folders=folders)) == {}
    assert any(key.endswith(".zarr/zarr.json") for key in hosts.keys)
    rows = store.rows(hosts.store("other") / "features" / "rgb_light" / "0123")
    assert rows.keys() == {video.content for _, video, _ in job.videos}


def test_a_host_whose_config_differs_is_refused_by_name(tmp_path, configs, clips):
    (job, *_) = jobs_of(tmp_path, configs, clips, ["rgb_light"])
    path = configs / "experts" / "rgb_light.yaml"
    content = yaml.safe_load(path.read_text())
    content["params"]["fps"] = 3.0
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError) as refused:
        extract_chunk(job)
    message = str(refused.value)
    here = fingerprint(registry.expert("rgb_light", configs / "experts").recipe)
    assert "\n" not in message
    for told in ("rgb_light", here, job.experts["rgb_light"], str(configs / "experts"), "make them equal on all hosts"):
        assert told in message
    assert not job.stores["rgb_light"].exists(), "nothing was extracted"
