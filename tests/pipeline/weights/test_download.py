import io
import zipfile

import pytest

from pipeline.errors import WeightsError
from pipeline.weights import cache
from pipeline.weights.files import WeightFile, WeightOptions
from tests.pipeline.weights.conftest import BYTES, SHA256


def test_a_file_is_fetched_once_and_checked(server, tmp_path):
    file, options = WeightFile(f"{server.url}/a/net.pth", SHA256), WeightOptions(tmp_path)
    assert cache.missing([file, file], options) == [file]
    cache.ensure([file], options)
    cache.ensure([file], options)
    assert options.path(file).read_bytes() == BYTES
    assert len(server.requests) == 1
    assert [path.name for path in options.path(file).parent.iterdir()] == ["net.pth"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_connection_goes_on_where_it_stopped(server, tmp_path, ranges):
    server.break_after, server.ranges = [1_000_000] * 3 if ranges else [], ranges
    file = WeightFile(f"{server.url}/a/net.pth", SHA256[:12], place="net.pth")
    (tmp_path / "net.pth.partial").write_bytes(BYTES[:500_000])  # of an earlier run
    cache.ensure([file], WeightOptions(tmp_path))
    assert (tmp_path / "net.pth").read_bytes() == BYTES
    begins = [begin for _, begin in server.requests]
    assert begins == (["bytes=500000-", "bytes=1500000-", "bytes=2500000-"] if ranges else ["bytes=500000-"])


def test_a_wrong_file_is_refused_and_not_kept(server, tmp_path):
    with pytest.raises(WeightsError, match=f"sha256 {SHA256}, expected 00000000"):
        cache.ensure([WeightFile(f"{server.url}/a/net.pth", "00000000")], WeightOptions(tmp_path))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_file_inside_an_archive_is_taken_out(server, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("craft.pth", BYTES)
    server.files["craft.zip"] = packed.getvalue()
    file = WeightFile(f"{server.url}/craft.zip", place="easyocr/craft.pth", member="craft.pth")
    cache.ensure([file], WeightOptions(tmp_path))
    assert (tmp_path / "easyocr" / "craft.pth").read_bytes() == BYTES
    assert [path.name for path in (tmp_path / "easyocr").iterdir()] == ["craft.pth"]


def test_a_mirror_serves_what_a_cache_holds(server, tmp_path):
    server.files["copy/easyocr/craft.pth"] = BYTES
    file = WeightFile("http://nowhere.invalid/craft.zip", place="easyocr/craft.pth", member="craft.pth")
    cache.ensure([file], WeightOptions(tmp_path, mirror=f"{server.url}/copy/"))
    assert (tmp_path / "easyocr" / "craft.pth").read_bytes() == BYTES


@pytest.mark.parametrize("known", [True, False])
def test_a_mirror_of_before_serves_a_file_from_its_old_place_only_when_a_checksum_tells_that_it_is_it(
    server, tmp_path, known
):
    server.files["copy/net.pth"] = BYTES
    options = WeightOptions(tmp_path, mirror=f"{server.url}/copy")
    file = WeightFile("http://nowhere.invalid/x/net.pth", SHA256 if known else "")
    if known:
        cache.ensure([file], options)
        assert options.path(file).read_bytes() == BYTES
    else:
        with pytest.raises(WeightsError, match="the server answers 404"):
            cache.ensure([file], options)
