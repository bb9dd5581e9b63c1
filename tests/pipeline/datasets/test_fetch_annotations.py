"""Downloads of the public parts of a dataset."""

import zipfile
from contextlib import contextmanager

import pytest

from pipeline.datasets.annotations import DatasetConfig
from pipeline.datasets.fetch_annotations import obtain
from pipeline.datasets.sources import Part
from pipeline.errors import FetchError


@contextmanager
def no_bar(what):
    yield lambda done, of: None


def part(server, tmp_path, name, **more):
    return Part("captions", str(tmp_path / "raw"), f"{server.url}/{name}", "research only", "1 MB", **more)


def run(*parts):
    log = []
    obtain(DatasetConfig(videos="v", parts=parts), no_bar, log.append)
    return log


def zipped(tmp_path, **files):
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive:
        for name, text in files.items():
            archive.writestr(f"some/folder/{name}.json", text)
    return (tmp_path / "made.zip").read_bytes()


def test_files_are_fetched_once_and_what_is_not_public_is_told(server, tmp_path):
    server.files["a.json"] = b"{}"
    public, other = part(server, tmp_path, "a.json", public=True), part(server, tmp_path, "videos.tar")
    log = run(public, other)
    assert (tmp_path / "raw" / "a.json").read_text() == "{}"
    # sha256 of "{}", by sha256sum
    assert "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a, not known before" in log[0]
    assert log[1].startswith(f"Not public: captions; research only: {server.url}/videos.tar, into ")
    assert run(public)[0].startswith("There: ")
    assert len(server.requests) == 1


def test_the_wanted_members_of_an_archive_are_taken_out_and_it_goes(server, tmp_path):
    server.files["a.zip"] = zipped(tmp_path, one="1", two="2", other="3")
    run(part(server, tmp_path, "a.zip", public=True, members=("one.json", "two.json")))
    assert sorted(path.name for path in (tmp_path / "raw").iterdir()) == ["one.json", "two.json"]
    assert (tmp_path / "raw" / "two.json").read_text() == "2"


def test_an_archive_without_the_wanted_member_is_told(server, tmp_path):
    server.files["a.zip"] = zipped(tmp_path, one="1")
    with pytest.raises(FetchError, match=r"a\.zip: holds no two\.json"):
        run(part(server, tmp_path, "a.zip", public=True, members=("one.json", "two.json")))


def test_one_part_that_fails_costs_no_other_and_is_told_with_what_to_do(server, tmp_path):
    server.files["b.json"] = b"2"
    bad = part(server, tmp_path, "gone.json", public=True)
    wrong = part(server, tmp_path, "b.json", public=True, sha256="0" * 64)
    server.files["c.json"] = b"3"
    with pytest.raises(FetchError) as caught:
        run(bad, wrong, part(server, tmp_path, "c.json", public=True))
    assert "gone.json: the server answers 404" in str(caught.value)
    assert f"put {tmp_path / 'raw' / 'gone.json'} there yourself" in str(caught.value)
    assert "b.json: arrived with sha256" in str(caught.value)
    assert [path.name for path in (tmp_path / "raw").iterdir()] == ["c.json"]
