"""Planted near-duplicates among vectors of which else no two are alike; the second source is all pairs at once."""

from types import SimpleNamespace

import numpy as np
import pytest

from models.inputs.load import Sources
from models.network_inputs import ExpertInput
from models.zero_shot import near_duplicates as found_by
from models.zero_shot.near_duplicates import near_duplicates
from pipeline.datasets.annotations import Caption
from pipeline.datasets.manifest import Video
from pipeline.datasets.near_duplicates import NearDuplicates
from pipeline.stores import parts
from pipeline.stores.row_table import Row

DIM = 16
SPLITS = ["train"] * 12 + ["val"] * 5 + ["test"] * 7 + [""] * 2
PLANTED = {(0, 1): 0.99, (2, 17): 0.97, (3, 18): 0.999, (4, 18): 0.96, (13, 19): 0.98, (20, 24): 0.999}
"""Places of two videos -> their cosine; the last one is with a video of no split. 18 has two in train."""


def rows():
    """Vectors at right angles to each other, but for those that were planted."""
    chance = np.random.default_rng(3)
    basis = np.linalg.qr(chance.normal(size=(40, 40)))[0]
    found = basis[:26].copy()
    for (one, other), cosine in PLANTED.items():
        if other != 18:
            found[other] = cosine * found[one] + np.sqrt(1 - cosine**2) * basis[26 + other % 12]
    three, four = basis[3], basis[4]  # 18 is near both, which are so near to each other
    found[4] = 0.95 * three + np.sqrt(1 - 0.95**2) * four
    found[18] = 0.999 * three + np.sqrt(1 - 0.999**2) * four
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The sources, and the mean of the rows of each video, of length 1."""
    folder, wanted = tmp_path_factory.mktemp("stores") / "e", rows()
    videos, stored, features = [], [], []
    for place, split in enumerate(SPLITS):
        captions = (Caption("a"),) if split else ()
        videos.append(Video(f"v{place}", f"{place:032x}", split, captions, 1.0, True, False, False))
        around = np.random.default_rng(place).normal(size=(1, 40)) * 0.1
        values = np.concatenate([wanted[place] + around, wanted[place] - around]) * (place + 1)
        stored.append(Row(videos[-1].content, 0 if place == 11 else 2))
        values = values[: stored[-1].count].astype(np.float32)
        times_s = np.zeros((len(values), 2), np.float32)
        features.append(parts.Features(values, times_s, {}))
    parts.publish(folder, stored, features, 40)
    manifest = SimpleNamespace(videos=videos)
    return Sources(manifest, (ExpertInput("e", 40, "mean"),), {"e": folder}, None, folder), wanted


def all_pairs(wanted, threshold):
    """Each pair of labelled videos with features, by one product of all."""
    places = [place for place, split in enumerate(SPLITS) if split and place != 11]
    units = wanted / np.linalg.norm(wanted, axis=1, keepdims=True)
    cosines = units @ units.T
    return {(a, b): cosines[a, b] for a in places for b in places if a < b and cosines[a, b] >= threshold}


@pytest.mark.parametrize("block", [1024, 3])
@pytest.mark.parametrize("threshold", [0.97, 0.9, 0.999999])
def test_planted_pairs_are_found_whatever_the_blocks(made, block, threshold, monkeypatch):
    monkeypatch.setattr(found_by, "BLOCK", block)
    sources, wanted = made
    body = near_duplicates(sources, NearDuplicates("e", threshold))
    expected = all_pairs(wanted, threshold)
    told = {tuple(int(name[1:]) for name in pair["videos"]): pair["cosine"] for pair in body["pairs"]}
    assert told == pytest.approx(expected, abs=1e-5)
    assert sum(body["within"].values()) + sum(body["across"].values()) == len(expected)
    assert body["more"] == 0
    assert body["videos"] == {"train": 11, "val": 5, "test": 7}


def test_what_is_counted_is_what_was_planted(made):
    body = near_duplicates(made[0], NearDuplicates("e", 0.955))
    assert body["within"] == {"train": 1}
    assert body["across"] == {"train, test": 3, "val, test": 1}
    assert body["in_train"] == {"test": 2}, "one of them twice"
    assert [pair["splits"] for pair in body["pairs"]][-1] == ["train", "train"], "those across splits come first"
    assert [pair["cosine"] for pair in body["pairs"][:-1]] == sorted(
        (pair["cosine"] for pair in body["pairs"][:-1]), reverse=True
    )


def test_the_list_is_bounded_and_the_count_is_not(made, monkeypatch):
    monkeypatch.setattr(found_by, "MOST_PAIRS", 2)
    body = near_duplicates(made[0], NearDuplicates("e", 0.955))
    assert (len(body["pairs"]), body["more"]) == (2, 3)
    assert all(len(set(pair["splits"])) == 2 for pair in body["pairs"])


def test_an_expert_that_saw_nothing_finds_nothing(tmp_path):
    videos = [Video("a", "0" * 32, "test", (Caption("x"),), 1.0, True, False, False)]
    empty = parts.Features(np.zeros((0, 3), np.float32), np.zeros((0, 2), np.float32), {})
    parts.publish(tmp_path / "e", [Row("0" * 32, 0)], [empty], 3)
    sources = Sources(
        SimpleNamespace(videos=videos), (ExpertInput("e", 3, "mean"),), {"e": tmp_path / "e"}, None, tmp_path
    )
    body = near_duplicates(sources, NearDuplicates("e"))
    assert (body["within"], body["across"], body["in_train"], body["pairs"]) == ({}, {}, {}, [])
