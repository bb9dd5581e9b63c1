"""The miniature archive of the authors' layout gives the very tensors that the authors' own loader made of it."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.errors import AnnotationError, ArchiveError, PipelineError
from pipeline.released import feature_import, releases
from pipeline.stores import recipes, store
from tasks.plan.import_archive import import_archive
from tasks.plan.inventory import rescan
from tasks.plan.layout import Layout
from tasks.plan.plan import Plan, load_plan
from tasks.plan.selection import Selection
from tests.conftest import ROOT
from tests.models import reference_cases

ARCHIVE = reference_cases.find("mini_MSRVTT-experts.tar")

OURS = {
    "audio": "released_audio", "face": "released_face", "i3d.i3d.0": "released_i3d",
    "imagenet.resnext101_32x48d.0": "released_imagenet_resnext101",
    "imagenet.senet154.0": "released_imagenet_senet154", "ocr": "released_ocr",
    "r2p1d.r2p1d-ig65m.0": "released_r2p1d_ig65m", "scene.densenet161.0": "released_scene", "speech": "released_speech",
}  # fmt: skip

LAYOUT = Layout(Path("data"), Path("configs"))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty checkout with the configs alone."""
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    load_plan.cache_clear()
    for name in ("msrvtt", "msrvtt_1ka"):
        rescan(name)
    yield tmp_path
    load_plan.cache_clear()


def plan_of(dataset="msrvtt"):
    return Plan(Selection(LAYOUT, dataset, allow_partial=True))


def bring(archive=ARCHIVE, dataset="msrvtt"):
    return import_archive(
        releases.release_of(dataset, plan_of(dataset).selection.settings), False, archive, LAYOUT, lambda done, of: None
    )


def sources(dataset):
    plan = plan_of(dataset)
    plan.inventory.build_manifest(1, 60.0, lambda done, of: None)
    for name in plan.selection.expert_names:
        assert not plan.inventory.expert_state(plan.selection.expert(name)).remaining
    return plan.sources()


@pytest.mark.parametrize(
    ("dataset", "split", "case"),
    [("msrvtt", "val", "full-val"), ("msrvtt", "test", "full-test"), ("msrvtt_1ka", "test", "jsfusion")],
)
def test_the_archive_yields_the_tensors_of_the_original_loader(home, dataset, split, case):
    from models.inputs.batches import Data
    from models.inputs.load import collect

    bring()
    found = collect(sources(dataset), split)
    expected = np.load(reference_cases.find("loader_digests.npz"))
    names = json.loads(str(expected["meta"]))[case]["eval"]
    assert [video.video_id for video in found.videos] == names
    data = Data(found.collection, torch.device("cpu"), trim=False)
    given = data.videos(torch.arange(len(names)))
    for theirs, ours in OURS.items():
        available = expected[f"{case}/ind/{theirs}"].astype(bool)
        assert given.available[ours].numpy().tolist() == available.tolist()
        assert digest(given.experts[ours].numpy()[available]) == expected[f"{case}/experts/{theirs}"], theirs
    _compare_texts(data, found, expected, case)


def _compare_texts(data, found, expected, case):
    mask = expected[f"{case}/query_masks"].astype(bool)
    lengths = expected[f"{case}/text_token_len"]
    owners = found.collection.caption_video
    if case == "full-val":  # the loader was asked for one caption a video there, and took the first
        first = np.flatnonzero(np.diff(owners, prepend=-1))
    else:
        first = np.arange(len(owners))
        assert np.array_equal(np.bincount(owners), mask.sum(axis=1))
    ours = data.texts(torch.from_numpy(first))
    assert digest(ours.text.numpy()) == expected[f"{case}/text"]
    assert ours.counts.numpy().tolist() == np.minimum(lengths[mask], ours.text.shape[1]).tolist()


def digest(array):
    """Of float32, which tells every bit that differs, as the digests of the reference."""
    assert array.dtype == np.float32
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def test_the_training_videos_are_those_of_the_original_with_all_their_captions(home):
    from models.inputs.load import collect

    bring()
    found = collect(sources("msrvtt"), "train")
    expected = np.load(reference_cases.find("loader_digests.npz"))
    picks = json.loads(str(expected["meta"]))["train_batch_caption_picks"]
    starts = np.searchsorted(found.collection.caption_video, np.arange(5))
    batch = np.zeros((5, 1, 37, 768), np.float32)
    for video, pick in enumerate(picks):
        tokens = found.collection.tokens[int(starts[video] + pick)][:37]
        batch[video, 0, : len(tokens)] = tokens
    assert digest(batch) == expected["train_batch/text"]
    assert [video.video_id for video in found.videos] == [f"video{i}" for i in range(5)]


def test_what_was_imported_says_where_it_came_from_and_decides_the_training(home):
    origins = bring()
    assert set(origins) == {*OURS.values(), "released_openai"}
    assert (origins["released_face"].present, origins["released_face"].absent) == (7, 3)
    sources("msrvtt")
    rescan("msrvtt")
    recipe = plan_of().train_recipe(0)
    assert recipe["imported"] == {name: origins[name].digest for name in OURS.values()}
    folder = LAYOUT.features(plan_of().selection.expert("released_face"))
    kept = feature_import.origin_of(folder, "msrvtt")
    assert kept.archive == ARCHIVE.name
    assert kept.members[0].endswith("facefeats-avg.pickle")
    assert recipes.read_recipe(folder)["extractor"] == "imported"


def test_a_second_import_adds_nothing_and_another_archive_is_refused(home, tmp_path):
    bring()
    folder = LAYOUT.features(plan_of().selection.expert("released_face"))
    before = store.parts(folder)
    bring()
    assert store.parts(folder) == before
    other = unpacked(tmp_path / "other")
    faces = next(other.rglob("facefeats-avg.pickle"))
    import pickle

    faces.write_bytes(pickle.dumps({"video0": np.ones(512, np.float32)}, protocol=2))
    with pytest.raises(ArchiveError, match=r"released_face holds msrvtt from mini_MSRVTT.*differs: delete"):
        bring(other)


def unpacked(folder):
    import tarfile

    with tarfile.open(ARCHIVE) as tar:
        tar.extractall(folder, filter="data")
    return folder


def test_a_folder_that_was_unpacked_by_hand_gives_the_same(home, tmp_path):
    from_archive = {name: one.digest for name, one in bring().items()}
    shutil.rmtree("data")
    assert {name: one.digest for name, one in bring(unpacked(tmp_path / "by hand")).items()} == from_archive


def test_a_video_that_joins_the_dataset_later_is_absent(home):
    bring()
    lists = Path("data/raw/msrvtt/released/train_list_full.txt")
    lists.write_text(lists.read_text() + "\nvideo77")
    plan = plan_of()
    plan.inventory.build_manifest(1, 60.0, lambda done, of: None)
    face = plan.selection.expert("released_face")
    assert len(plan.inventory.expert_state(face).remaining) == 1
    plan.inventory.complete_import("released_face")
    assert not plan.inventory.expert_state(face).remaining


def test_an_expert_without_import_names_the_command(home):
    bring()
    shutil.rmtree(LAYOUT.features(plan_of().selection.expert("released_face")))
    plan = plan_of()
    plan.inventory.build_manifest(1, 60.0, lambda done, of: None)
    with pytest.raises(
        PipelineError, match="no features of msrvtt: luigi --module tasks ImportExperts --dataset msrvtt"
    ):
        plan.inventory.complete_import("released_face")


def test_an_archive_without_the_index_of_1k_a_names_the_file(home):
    bring()
    Path("data/raw/msrvtt/released/jsfusion_val_caption_idx.pkl").unlink()
    with pytest.raises(AnnotationError, match=r"jsfusion_val_caption_idx\.pkl: no such file; it says which caption"):
        plan_of("msrvtt_1ka").inventory.build_manifest(1, 60.0, lambda done, of: None)


def test_an_archive_of_something_else_is_refused(home, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "holiday.txt").write_text("sun")
    with pytest.raises(ArchiveError, match="none of the files in it is named by a YAML in configs/experts/"):
        bring(tmp_path / "other")


def test_released_features_without_videos_choose_their_model_and_videos_theirs(home):
    assert plan_of().selection.model_name == "ce"
    bring()
    assert plan_of().selection.model_name == "ce_released_msrvtt"
    Path("data/raw/msrvtt/videos").mkdir()
    Path("data/raw/msrvtt/videos/video0.mp4").touch()
    assert plan_of().selection.model_name == "ce"
