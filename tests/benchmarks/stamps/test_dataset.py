import dataclasses

import pytest
import yaml

from benchmarks.stamps import dataset, photographs
from benchmarks.stamps.clips import Format
from benchmarks.stamps.photographs import Photograph
from models import config as model_config
from pipeline.datasets.annotations import load_dataset
from tests.benchmarks.stamps.package import stamp

SMALL = Format(width_px=64, height_px=48, fps=2, duration_s=1.0)


def made_up(count):
    """Three photographs of each thing."""
    return [Photograph(f"{at}", None, f"{'abc'[at % 3]} thing{chr(97 + at // 3)}.") for at in range(count)]


def test_no_thing_is_in_two_splits_and_the_shares_are_kept():
    found = made_up(75)
    of_split = dataset.splits(found)
    for one in found:
        assert of_split[one.name] == of_split[next(other for other in found if other.thing == one.thing).name]
    sizes = [list(of_split.values()).count(name) for name in ("train", "val", "test")]
    assert sizes == pytest.approx([45, 11, 19], abs=3)


def test_splits_are_the_same_each_time_and_others_with_another_seed():
    found = made_up(75)
    assert dataset.splits(found) == dataset.splits(found[::-1])
    assert dataset.splits(found) != dataset.splits(found, seed=1)


def test_the_work_folder_is_a_project_whose_captions_and_configs_we_read(tmp_path):
    for number, name in enumerate("abcdefgh"):
        stamp(tmp_path / "stamps", name, f"A {name * 3}.", colour=(30 * number, 90, 90))
    found = photographs.find(tmp_path / "stamps")
    work = tmp_path / "work"
    dataset.write(found, work, SMALL, ["ce_light"])
    settings = load_dataset(dataset.NAME, work / "configs" / "datasets")
    assert sorted(path.name for path in (work / settings.videos).iterdir()) == [f"{name}.mp4" for name in "abcdefgh"]
    text = (work / settings.captions).read_text(encoding="utf-8").splitlines()
    assert text[0] == "video,caption,split"
    assert text[1].startswith("a.mp4,A aaa.,")
    model = yaml.safe_load((work / "configs/models/ce_light.yaml").read_text(encoding="utf-8"))
    assert model["training"]["seeds"] == [0, 1, 2, 3, 4]


def test_videos_that_are_there_are_not_made_again(tmp_path):
    stamp(tmp_path / "stamps", "a", "A box.")
    found = photographs.find(tmp_path / "stamps")
    dataset.write(found, tmp_path, SMALL)
    video = tmp_path / "data/raw/stamps/videos/a.mp4"
    video.write_bytes(b"mine")
    dataset.write(found, tmp_path, SMALL)
    assert video.read_bytes() == b"mine"


def test_the_residual_model_is_another_one_with_that_head_some_of_its_experts_and_all_seeds(tmp_path):
    dataset.write_configs(tmp_path)
    dataset.write_residual(tmp_path, "mine", "ce_packaged", ["rgb_lite", "audio_light"])
    models = tmp_path / "configs" / "models"
    mine, packaged = (model_config.load(name, models) for name in ("mine", "ce_packaged"))
    assert mine.experts == ("rgb_lite", "audio_light") and mine.text == packaged.text
    assert mine.architecture == dataclasses.replace(packaged.architecture, head="residual")
    assert mine.training == dataclasses.replace(packaged.training, seeds=tuple(dataset.SEEDS))
