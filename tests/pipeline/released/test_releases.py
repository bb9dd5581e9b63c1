"""The table of released archives, and the choice and download of one."""

import pytest

from pipeline import config
from pipeline.datasets.annotations import DatasetConfig, load_dataset
from pipeline.datasets.sources import AnnotationFiles, Archive, Released
from pipeline.errors import ConfigError
from pipeline.released import releases
from pipeline.released.releases import choose, local, release_of, zoo
from tests.conftest import ROOT

DATASETS = ROOT / "configs" / "datasets"


def nothing(done, of):
    pass


def release(tmp_path, *archives):
    released = Released("msrvtt", "ce", {}, archives)
    return release_of(
        "some",
        DatasetConfig(videos="v", annotations=AnnotationFiles("msrvtt", str(tmp_path), "full"), released=released),
    )


def test_the_table_has_a_row_for_each_archive_with_its_sha1():
    lines = zoo(DATASETS).splitlines()
    assert len(lines) == 2 + 5 + 4  # features-v2 of five datasets, high-quality of four; LSMDC's is not public
    # The sha1 that the authors published for the features of MSR-VTT.
    (msrvtt,) = [line for line in lines if "9018a9bf215e174c982b997fd4ee140eb0865040" in line]
    assert msrvtt.startswith("| msrvtt, msrvtt_1ka, msrvtt_1kb | [features-v2](https://www.robots.ox.ac.uk/")
    assert "`734650c3...` or `311529ee...`" in "\n".join(lines)
    assert all(line.count("|") == 6 for line in lines)


def test_the_archive_of_the_release_is_fetched_checked_and_kept(tmp_path, server):
    server.files["x.tar.gz"] = b"abc"
    # sha1 of "abc", from its standard (FIPS 180)
    archive = Archive("v2", (f"{server.url}/old/x.tar.gz", f"{server.url}/x.tar.gz"), "3 B", ("a9993e364706816a",))
    for _ in range(2):
        path = local(release(tmp_path, archive), "", "", nothing)
    assert path == tmp_path / "archives" / "x.tar.gz"
    assert path.read_bytes() == b"abc"
    assert len(server.requests) == 2, "the moved address, then the right one, and nothing the second time"
    given = local(release(tmp_path, archive), f"{server.url}/x.tar.gz?a=b", "", nothing)
    assert given.name == "x.tar.gz"
    assert local(release(tmp_path, archive), "/some/file.tar", "", nothing).name == "file.tar"


def test_an_unknown_release_and_a_dataset_without_any_are_told(tmp_path):
    archives = (Archive("v2", ("http://x/a",), "?"), Archive("hq", ("http://x/b",), "?"))
    assert choose(release(tmp_path, *archives), "").release == "v2"
    assert choose(release(tmp_path, *archives), "hq").release == "hq"
    with pytest.raises(ConfigError, match="--release v3: there are v2, hq"):
        choose(release(tmp_path, *archives), "v3")
    with pytest.raises(ConfigError, match=r"youcook2\.yaml names no released features"):
        release_of("youcook2", load_dataset("youcook2", DATASETS))


def test_an_address_that_needs_a_licence_is_asked_for():
    lsmdc = release_of("lsmdc", load_dataset("lsmdc", DATASETS))
    with pytest.raises(ConfigError, match="known only to those who have the licence"):
        local(lsmdc, "", "", nothing)


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ("data/MSRVTT/structured-symlinks/raw-captions.pkl", True),
        ("data/activity-net/structured-symlinks/raw-captions-train-val_1.pkl", True),
        ("data/MSVRTT/high-quality/structured-symplinks/jsfusion_val_caption_idx.pkl", True),  # misspelt as released
        ("data/MSRVTT/structured-symlinks/train_list_full.txt", True),
        ("data/activity-net/structured-symlinks/val_1_list.txt", True),
        ("data/MSVD/structured-symlinks/dict_youtube_mapping.pkl", True),
        ("data/MSRVTT/structured-symlinks/aggregated_text_feats/w2v.pkl", False),
        ("README.txt", False),
    ],
)
def test_captions_and_lists_are_known_by_their_names(member, expected):
    assert releases.is_annotation(member) == expected


def test_all_datasets_that_share_videos_name_the_same_archives():
    by_collection = {}
    for name in config.names(DATASETS):
        released = load_dataset(name, DATASETS).released
        if released:
            by_collection.setdefault(released.collection, set()).add(released.archives)
    assert all(len(archives) == 1 for archives in by_collection.values())
