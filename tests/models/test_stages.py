import dataclasses
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models import stages
from models.config import ModelConfig
from models.evaluation.evaluate import similarities
from models.evaluation.metrics import caption_ranks, summary, video_ranks
from models.evaluation.querybank import normalise
from models.inputs.load import collect
from models.stages import SELECTIONS, Beside, evaluate_seeds, train_seed
from models.training import checkpoint
from models.training.history import History
from pipeline.errors import TrainingError
from pipeline.stores import parts
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from tests.models.synthetic import SETTINGS
from tests.models.synthetic_stores import stored_sources

ROOT = Path(__file__).parents[2]
SEEDS = (0, 1)


def settings(selection: str = "validation", **changes) -> ModelConfig:
    training = dataclasses.replace(SETTINGS.training, epochs=4, selection=selection, **changes)
    return dataclasses.replace(SETTINGS, experts=("signal", "noise"), training=training)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    return stored_sources(tmp_path_factory.mktemp("stores"), fully_blind=("test3",))


@pytest.fixture(scope="module")
def runs(sources, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for seed in SEEDS:
        train_seed(sources, settings(), seed, folder / str(seed), lambda done, of: None)
    return {seed: folder / str(seed) for seed in SEEDS}


@pytest.fixture(scope="module")
def report(sources, runs):
    return evaluate_seeds(sources, settings(), runs, "test")


def test_the_raw_numbers_are_those_of_each_seed_on_the_split(sources, runs, report):
    data = collect(sources, "test").collection
    for place, folder in enumerate(runs.values()):
        scores = similarities(checkpoint.load_model(folder), data)
        t2v, v2t = (summary(ranks(scores, data.caption_video)) for ranks in (caption_ranks, video_ranks))
        assert {name: value["seeds"][place] for name, value in report["t2v"].items()} == t2v
        assert {name: value["seeds"][place] for name, value in report["v2t"].items()} == v2t


def test_the_bank_is_of_training_captions(sources, runs, report):
    """Made here of scores of the training captions with the test videos, one video at a time."""
    test, train = collect(sources, "test").collection, collect(sources, "train").collection
    model = checkpoint.load_model(runs[0])
    mixed = dataclasses.replace(test, tokens=train.tokens, caption_video=np.zeros(len(train.tokens), np.int64))
    normalised = normalise(similarities(model, test), similarities(model, mixed))
    expected = summary(caption_ranks(normalised, test.caption_video))
    found = report["variants"]["t2v_querybank"]["metrics"]
    assert {name: value["seeds"][0] for name, value in found.items()} == expected


def test_a_report_on_the_training_split_has_no_bank(sources, runs):
    assert "t2v_querybank" not in evaluate_seeds(sources, settings(), runs, "train")["variants"]


@pytest.mark.parametrize("gating", ["concat", "concat_mix", "triplet", "star"])
def test_every_design_trains_resumes_and_reports_like_the_others(sources, report, tmp_path, gating):
    architecture = dataclasses.replace(SETTINGS.architecture, gating=gating)
    asked = dataclasses.replace(settings(), architecture=architecture)

    def stop(done, of):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_seed(sources, asked, 0, tmp_path / "0", stop)
    for folder in ("0", "1"):
        train_seed(sources, asked, 0, tmp_path / folder, lambda done, of: None)
    assert (tmp_path / "0" / checkpoint.MODEL).read_bytes() == (tmp_path / "1" / checkpoint.MODEL).read_bytes()
    found = evaluate_seeds(sources, asked, {0: tmp_path / "0"}, "test")
    assert found.keys() == report.keys()
    assert found["variants"].keys() == report["variants"].keys()
    assert found["t2v"]["R@50"]["mean"] == 100, "there are eight videos"


def test_the_report_is_plain_json_and_names_its_protocol(report):
    assert json.loads(json.dumps(report)) == report
    assert report["seeds"] == list(SEEDS)
    assert report["gallery"]["videos"] == 7
    assert report["blind"] == ["test3"]
    assert report["selection"] == SELECTIONS["validation"]
    assert report["chance"]["R@1"] == pytest.approx(100 / 7)


def test_every_caption_is_listed_with_its_rank_with_each_seed(report):
    assert len(report["queries"]) == report["gallery"]["captions"]
    for place, seed in enumerate(SEEDS):
        hits = np.mean([query["ranks"][place] == 1 for query in report["queries"]])
        assert 100 * hits == pytest.approx(report["t2v"]["R@1"]["seeds"][place]), seed
    assert all(query["caption"].startswith(query["video"]) for query in report["queries"])


def test_captions_are_counted_by_what_they_speak_of(report):
    queries = report["queries"]
    alone = [query for query in queries if query["tags"] == ["rgb"]]
    assert report["tags"]["rgb"]["with_others"]["captions"] == len(queries)
    assert report["tags"]["rgb"]["alone"]["captions"] == len(alone)
    assert report["tags"]["audio"]["alone"] == {"captions": 0, "t2v": {}}
    expected = np.mean([query["ranks"][0] <= 5 for query in alone]) * 100
    assert report["tags"]["rgb"]["alone"]["t2v"]["R@5"]["seeds"][0] == pytest.approx(expected)


def test_the_histogram_holds_every_caption_once(report):
    assert sum(bar["percent"] for bar in report["rank_histogram"]) == pytest.approx(100)
    assert report["rank_histogram"][-1]["last"] == 7


def test_progress_is_told_after_each_epoch(sources, tmp_path):
    calls = []
    train_seed(sources, settings(), 0, tmp_path, lambda *arguments: calls.append(arguments))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_the_curve_of_every_training_is_told(runs, report):
    for seed, folder in runs.items():
        _, facts = checkpoint.read(folder / checkpoint.MODEL)
        assert [point["loss"] for point in report["training"][str(seed)]] == [
            epoch.loss for epoch in History.parse(facts["history"]).epochs
        ]


@pytest.mark.parametrize("selection", ["last", "test"])
def test_the_published_selections_train_on_all_and_watch_the_test_split(sources, tmp_path, selection, monkeypatch):
    seen = {}
    monkeypatch.setattr(stages, "train", lambda data, aside, *_: seen.update(data=data, aside=aside))
    train_seed(sources, settings(selection), 0, tmp_path, lambda done, of: None)
    assert seen["data"].num_videos == 30
    assert seen["aside"].num_videos == 7


def test_the_last_epoch_is_kept_when_that_is_asked_for(sources, tmp_path):
    chosen = settings("last", learning_rate=0.2)
    train_seed(sources, chosen, 0, tmp_path, lambda done, of: None)
    _, facts = checkpoint.read(tmp_path / checkpoint.MODEL)
    data = collect(sources, "test").collection
    scores = similarities(checkpoint.load_model(tmp_path), data)
    last = History.parse(facts["history"]).epochs[-1]
    assert summary(caption_ranks(scores, data.caption_video)) == pytest.approx(last.metrics)
    assert evaluate_seeds(sources, chosen, {0: tmp_path}, "test")["selection"].startswith("last: ")


def test_a_learner_comes_nearer_to_its_teacher_than_one_without(sources, runs, tmp_path):
    """The teacher's own split; a loss of margin alone leaves the scale of the scores free."""
    chosen = settings(loss="margin", margin=0.1, temperature=None, ema=None)
    data = collect(sources, "train").collection
    wanted = similarities(checkpoint.load_model(runs[1]), data)
    distances = []
    for name, teachers in (("alone", ()), ("taught", [(sources, runs[1])])):
        train_seed(sources, chosen, 0, tmp_path / name, lambda done, of: None, Beside(teachers))
        distances.append(np.abs(similarities(checkpoint.load_model(tmp_path / name), data) - wanted).mean())
    assert distances[1] < distances[0]


def test_a_teacher_of_other_videos_is_refused(sources, runs, tmp_path):
    other = dataclasses.replace(
        sources, manifest=dataclasses.replace(sources.manifest, videos=sources.manifest.videos[2:])
    )
    with pytest.raises(TrainingError, match="sees other training videos"):
        train_seed(sources, settings(), 0, tmp_path, lambda done, of: None, Beside([(other, runs[0])]))


def test_captions_that_teachers_cannot_place_are_left_out(sources, runs, tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr(stages, "train", lambda data, *_: seen.update(data=data))
    chosen = settings(teachers=("another",), worst_rank=1)
    train_seed(sources, chosen, 0, tmp_path, lambda done, of: None, Beside([(sources, runs[0])]))
    data = collect(sources, "train").collection
    ranks = caption_ranks(similarities(checkpoint.load_model(runs[0]), data), data.caption_video).mean
    np.testing.assert_array_equal(seen["data"].caption_video, data.caption_video[ranks + 1 <= 1])


def test_a_report_with_a_selector_has_its_row_and_what_the_fitting_found(sources, runs, report):
    """With so few captions nothing is learned: the row is that of the network's own weights, exactly."""
    asked = dataclasses.replace(settings(), selector=True)
    found = evaluate_seeds(sources, asked, runs, "test")
    assert found["variants"]["t2v_selector"]["metrics"] == found["t2v"] == report["t2v"]
    assert found["selector"]["seeds"] == {str(seed): {"used": False, "gain": None} for seed in SEEDS}
    assert found["selector"]["gain"]["R@1"]["mean"] == 0
    assert json.loads(json.dumps(found)) == found
    assert "selector" not in report and "t2v_selector" not in report["variants"]
    assert "selector" not in evaluate_seeds(sources, asked, runs, "val"), "the split on which it is fitted"


LIMITED = """if True:
    import os, pickle, resource, sys
    from pathlib import Path
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch
    from models.stages import train_seed
    from pipeline.stores import mapped
    from tests.models.test_stages import settings

    folder, held_bytes, room_bytes = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    sources = pickle.loads((folder.parent / "sources").read_bytes())
    mapped.HELD_BYTES = held_bytes
    used = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData"))
    if room_bytes:
        resource.setrlimit(resource.RLIMIT_DATA, ((used << 10) + room_bytes,) * 2)
    train_seed(sources, settings(), 0, folder, lambda done, of: None)
"""


def with_long_rows(sources, folder):
    """The sources, with 5 MB of `noise` for each video of the training split: 114 MiB, each video in a part."""
    chance = np.random.default_rng(0)
    for video in sources.manifest.videos:
        length = 250_000 if video.split == "train" else 2
        values = chance.standard_normal((length, 5), np.float32)
        parts.publish(folder, [Row(video.content, length)], [Features(values, np.zeros((length, 2)))], 5)
    return dataclasses.replace(sources, stores=sources.stores | {"noise": folder})


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the size of a process from /proc")
def test_features_larger_than_the_memory_that_may_be_used_train_the_same_network_to_the_bit(tmp_path):
    sources = with_long_rows(stored_sources(tmp_path / "stores"), tmp_path / "long")
    (tmp_path / "sources").write_bytes(pickle.dumps(sources))

    def trained(name, held_bytes, room_bytes):
        command = [sys.executable, "-c", LIMITED, str(tmp_path / name), str(held_bytes), str(room_bytes)]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        model = tmp_path / name / checkpoint.MODEL
        return model.read_bytes() if model.exists() else run.stderr

    expected = trained("free", 1 << 30, 0)
    assert isinstance(expected, bytes)
    assert trained("mapped", 1 << 20, 64 << 20) == expected
    assert "Unable to allocate 114. MiB" in str(trained("held", 1 << 30, 64 << 20))
