import pytest

from pipeline import config
from pipeline.datasets.annotations import load_dataset
from pipeline.datasets.availability import reader
from pipeline.datasets.sources import AnnotationFiles, Archive, Released
from tests.conftest import ROOT
from tests.pipeline.datasets.known import DATASETS, KNOWN

UNCOUNTED = {
    "multivent2": "its owners replace the files",
    "youcook2_clips": "papers leave out clips that are gone from YouTube, each its own",
}
"""Known datasets of which there are no numbers that would show that a file is damaged, and why."""


@pytest.mark.parametrize("name", KNOWN)
def test_the_configs_of_known_datasets_agree_with_their_readers(name):
    known = load_dataset(name, DATASETS)
    assert known.annotations.variant in reader(known.annotations.format).VARIANTS
    if name in UNCOUNTED:
        assert not known.counts
        return
    assert set(known.counts) >= {"train", "test"}
    assert ("val" in known.counts) != (known.validation_from_train > 0)
    if known.released:
        assert set(known.released.lists) == set(known.counts)
        assert known.released.model in config.names(ROOT / "configs" / "models")


def test_a_sha1_of_an_archive_may_be_cut_to_8_digits_and_no_further():
    assert Archive("v2", ("http://x",), "1 MB", ("a9993e36",)).sha1 == ("a9993e36",)
    with pytest.raises(ValueError, match="released archive v2: a sha1 needs at least 8 digits"):
        Archive("v2", ("http://x",), "1 MB", ("a9993e3",))


def test_captions_and_lists_of_an_archive_lie_beside_the_annotations(tmp_path):
    released = Released("msrvtt", "ce", {}, ())
    assert released.folder(AnnotationFiles("msrvtt", str(tmp_path), "full")) == tmp_path / "released"
