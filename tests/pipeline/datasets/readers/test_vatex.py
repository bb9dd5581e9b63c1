"""What is expected was counted by hand in small files of the owners' format."""

import json

import pytest

from pipeline.datasets.clips import Clip
from pipeline.datasets.readers import vatex
from pipeline.errors import AnnotationError
from tests.pipeline.datasets.readers import sample_files
from tests.pipeline.datasets.readers.sample_files import by_split, texts

NAMES = {split: [f"-{split}_VRj-V{number}_000122_000132" for number in range(4)] for split in ("train", "val", "test")}


def write(folder, **lists):
    files = {"train": "vatex_training_v1.0.json", "val": "vatex_validation_v1.0.json"}
    for split, file in (files | {"test": "vatex_public_test_english_v1.1.json"}).items():
        clips = [{"videoID": name, "enCap": [f"{name}  en {k}" for k in range(10)]} for name in NAMES[split]]
        if split != "test":  # the owners' file of the test split has no Chinese
            clips = [clip | {"chCap": [f"{clip['videoID']} zh {k}" for k in range(10)]} for clip in clips]
        sample_files.write(folder, file, json.dumps(clips))
    sample_files.lists(folder, **lists)


def test_the_official_splits_are_the_three_files_with_ten_english_captions_a_clip(tmp_path):
    write(tmp_path)
    found = vatex.read(tmp_path, "official")
    assert by_split(found) == NAMES
    assert texts(found, NAMES["test"][1]) == [f"{NAMES['test'][1]} en {k}" for k in range(10)]


def test_papers_on_retrieval_take_two_lists_of_the_validation_file(tmp_path):
    write(tmp_path, val_list=NAMES["val"][:1], test_list=[f"{name}.mp4" for name in NAMES["val"][1:3]])
    found = vatex.read(tmp_path, "hgr")
    assert by_split(found) == {"train": NAMES["train"], "val": NAMES["val"][:1], "test": NAMES["val"][1:3]}
    assert texts(vatex.read(tmp_path, "hgr-zh"), NAMES["val"][0])[9] == f"{NAMES['val'][0]} zh 9"


def test_clips_of_whole_videos_are_pieces_of_them_by_the_seconds_in_their_names(tmp_path):
    write(tmp_path)
    found = vatex.read(tmp_path, "official-spans")
    assert found[NAMES["train"][2]].clip == Clip("-train_VRj-V2", 122.0, 132.0, NAMES["train"][2])
    assert texts(found, NAMES["train"][2]) == texts(vatex.read(tmp_path, "official"), NAMES["train"][2])


def test_files_that_do_not_fit_together_are_told_in_a_line(tmp_path):
    write(tmp_path)
    with pytest.raises(AnnotationError, match=r"val_list\.txt: no such file; it names the clips of the val split"):
        vatex.read(tmp_path, "hgr")
    write(tmp_path, val_list=NAMES["val"], test_list=NAMES["train"])
    with pytest.raises(AnnotationError, match=r"test_list\.txt: '-train_VRj-V0_000122_000132' is no clip of vatex_val"):
        vatex.read(tmp_path, "hgr")
    for name in ("x", "x_000010_000002", "x_1_2"):
        clip = {"videoID": name, "enCap": ["a"], "chCap": ["b"]}
        sample_files.write(tmp_path, "vatex_training_v1.0.json", json.dumps([clip]))
        with pytest.raises(AnnotationError, match=f"'{name}': a clip of VATEX is called"):
            vatex.read(tmp_path, "official-spans")
