import pytest

from search import Collection, Options
from tests.search import small_collection


@pytest.fixture(scope="module")
def towered(tmp_path_factory) -> Collection:
    """Signs as frames: the OCR expert's vectors are those of the hashed encoder, which stands for a text tower."""
    root = tmp_path_factory.mktemp("towered")
    clips = [
        *small_collection.CLIPS,
        *(small_collection.Clip(f"plain{at}.mp4", sign={f"sign{at}": 0.0}) for at in range(20)),
    ]
    small_collection.make(
        root, clips, has_model=False, towers={"ocr_light": small_collection.CONFIGS / "text" / "words_hashed.yaml"}
    )
    return Collection.open("tiny", root, small_collection.CONFIGS)


def test_a_video_is_found_by_its_best_frame_without_any_training(towered):
    first = towered.search("lighthouses").hits[0]
    assert first.video_id == "harbour.mp4"
    assert first.found_by["frames"].rank == 1
    assert first.best_s == 4.0


def test_only_videos_that_stand_out_are_found(towered):
    assert not towered.search("quantum chromodynamics").hits


def test_an_expert_of_weight_zero_finds_nothing(towered):
    assert not towered.search("lighthousekeeper", options=Options(weights={"ocr_light": 0.0})).hits
