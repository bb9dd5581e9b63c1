"""Which dataset a folder belongs to, and the names of new ones."""

from pathlib import Path

import pytest
import yaml

from pipeline.datasets.annotations import load_dataset
from pipeline.datasets.folders import NAMELESS, dataset_of, free_name, plain_name
from pipeline.errors import ConfigError

DATASETS = Path(__file__).parents[3] / "configs" / "datasets"


@pytest.fixture
def datasets(tmp_path):
    (tmp_path / "configs" / "datasets").mkdir(parents=True)
    return tmp_path / "configs" / "datasets"


@pytest.fixture
def clips(tmp_path):
    (tmp_path / "clips").mkdir()
    return tmp_path / "clips"


def of(clips, datasets, name=""):
    return dataset_of(clips, datasets, datasets.parents[1], name)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("holiday", "holiday"),
        ("My Videos (2024)", "My_Videos_2024"),
        ("été à Nîmes", "ete_a_Nimes"),
        ("日本の旅", NAMELESS),
        ("-rf", "rf"),
        ("..mp4", "mp4"),
        ("__", NAMELESS),
        ("a" * 200, "a" * 60),
        ("a\nb", "a_b"),
    ],
)
def test_a_dataset_is_called_as_its_folder_is_as_far_as_a_file_may_be(tmp_path, folder, name):
    assert plain_name(tmp_path / folder) == name


def test_the_root_of_a_disk_and_the_current_folder_have_names_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert plain_name(tmp_path.joinpath("/")) == NAMELESS
    assert plain_name(tmp_path.relative_to(tmp_path)) == plain_name(tmp_path)


def test_a_name_that_is_taken_in_any_case_gets_a_number(datasets, clips):
    assert free_name(clips, datasets) == "clips"
    (datasets / "Clips.yaml").write_text("videos: elsewhere\n")
    assert free_name(clips, datasets) == "clips_2"
    (datasets / "clips_2.yaml").write_text("videos: elsewhere\n")
    assert free_name(clips, datasets) == "clips_3"


@pytest.mark.parametrize("written", ["clips", "./clips/", "link", "{clips}"])
def test_a_folder_is_known_again_however_its_yaml_writes_it(datasets, clips, written):
    (clips.parent / "link").symlink_to(clips)
    (datasets / "mine.yaml").write_text(f"videos: {written.format(clips=clips)}\n")
    assert of(clips, datasets) == "mine"
    assert of(clips.parent / "link", datasets) == "mine"


def test_other_folders_known_datasets_demos_and_broken_yamls_are_left_alone(datasets, clips):
    (datasets / "a_other.yaml").write_text("videos: other\n")
    (datasets / "b_known.yaml").write_text("videos: clips\nannotations: {format: msvd, folder: x, variant: full}\n")
    demo = yaml.safe_load((DATASETS / "demo.yaml").read_text(encoding="utf-8"))
    (datasets / "c_demo.yaml").write_text(yaml.safe_dump(demo | {"videos": "clips"}))
    assert load_dataset("b_known", datasets).annotations and load_dataset("c_demo", datasets).demo
    (datasets / "d_broken.yaml").write_text("videos: [\n")
    assert of(clips, datasets) is None
    (datasets / "e_mine.yaml").write_text("videos: clips\n")
    assert of(clips, datasets) == "e_mine"


def test_of_several_datasets_of_one_folder_the_one_with_its_name_counts(datasets, clips):
    for name in ("a_first", "clips"):
        (datasets / f"{name}.yaml").write_text("videos: clips\n")
    assert of(clips, datasets) == "clips"
    (datasets / "clips.yaml").unlink()
    (datasets / "second.yaml").write_text("videos: clips\n")
    assert of(clips, datasets) == "a_first"


def test_a_typed_name_is_that_of_this_folder_or_free(datasets, clips):
    (datasets / "mine.yaml").write_text("videos: clips\n")
    (datasets / "other.yaml").write_text("videos: other\n")
    assert of(clips, datasets, "mine") == "mine"
    assert of(clips, datasets, "new") is None
    with pytest.raises(ConfigError, match=r"--name other: .*other\.yaml is there, of other videos; choose another"):
        of(clips, datasets, "other")


def test_an_address_is_the_dataset_whose_yaml_has_it_and_gives_a_name(tmp_path):
    datasets = tmp_path / "datasets"
    datasets.mkdir()
    (datasets / "mine.yaml").write_text("videos: s3://box/my videos/\n")
    assert dataset_of("s3://box/my videos", datasets, tmp_path) == "mine"
    assert dataset_of("s3://box/other", datasets, tmp_path) is None
    assert dataset_of(tmp_path, datasets, tmp_path) is None
    assert plain_name("s3://box/my videos/") == "my_videos"
    assert plain_name("s3://box") == "box"
    assert plain_name("https://a.org/lists/all clips.txt?sig=5ec4e7") == "all_clips"
    assert plain_name(str(tmp_path / "clips.txt")) == "clips"


def test_a_pattern_is_known_again_and_is_called_as_its_folder_or_its_tar(datasets, clips):
    project = datasets.parents[1]
    (datasets / "mine.yaml").write_text("videos: clips/*.tar\n")
    assert dataset_of(f"{project}/clips/*.tar", datasets, project) == "mine"
    assert dataset_of("clips/*.tar", datasets, project) == "mine"
    assert dataset_of(f"{project}/clips/*.mp4", datasets, project) is None
    named = {
        f"{clips}/*.mp4": "clips", f"{clips}/train-0.tar": "train-0", "s3://box/some/shard-*.tar": "some",
        "https://a.org/x/t.parquet?sig=1": "t", "s3://*": NAMELESS,
    }  # fmt: skip
    assert {pattern: plain_name(pattern) for pattern in named} == named
