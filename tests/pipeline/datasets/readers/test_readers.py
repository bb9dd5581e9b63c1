"""What all readers have in common, parametrised over them: missing files, unknown variants and malformed files."""

import pytest

from pipeline.datasets.readers import (
    activitynet,
    didemo,
    lsmdc,
    msrvtt,
    msvd,
    multivent2,
    qvhighlights,
    vatex,
    youcook2,
)
from pipeline.errors import AnnotationError
from tests.pipeline.datasets.readers import sample_files

ALL = [
    (msrvtt, "full"), (msrvtt, "1k-a"), (msrvtt, "1k-b"), (lsmdc, "challenge"), (msvd, "official"),
    (didemo, "paragraph"), (activitynet, "val1"), (youcook2, "paragraph"),
    (youcook2, "clips"), (vatex, "official"), (vatex, "hgr-zh-spans"), (qvhighlights, "official"),
    (multivent2, "official"),
]  # fmt: skip


@pytest.mark.parametrize(("reader", "variant"), ALL)
def test_a_folder_without_the_files_gives_nothing_and_other_splits_are_refused(reader, variant, tmp_path):
    assert reader.read(tmp_path, variant) is None
    assert reader.FILES
    with pytest.raises(AnnotationError, match=r"annotations\.variant '2k-c': there are"):
        reader.read(tmp_path, "2k-c")


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '{"videos": [{"video_id": "video0"}], "sentences": []}', '"x"'])
def test_files_that_are_cut_or_built_otherwise_are_told_with_what_to_do(tmp_path, text):
    files = {
        msrvtt: ["MSRVTT_data.json"], didemo: ["train_data.json", "val_data.json", "test_data.json"],
        activitynet: ["train.json", "val_1.json"], youcook2: ["youcookii_annotations_trainval.json"],
        vatex: ["vatex_training_v1.0.json", "vatex_validation_v1.0.json", "vatex_public_test_english_v1.1.json"],
    }  # fmt: skip
    for reader, names in files.items():
        folder = tmp_path / reader.__name__
        for name in names:
            sample_files.write(folder, name, text)
        with pytest.raises(AnnotationError, match=r"\.json: .*get the file again") as caught:
            reader.read(folder, reader.VARIANTS[0])
        assert "\n" not in str(caught.value)
