import pytest

from pipeline.errors import WeightsError
from pipeline.weights import cache
from pipeline.weights.files import WeightFile, WeightOptions
from tests.pipeline.weights.conftest import SHA256


def test_all_that_is_missing_is_told_at_once_with_where_to_put_it(server, tmp_path):
    files = [
        WeightFile(f"{server.url}/a/net.pth", SHA256, size_mb=3),
        WeightFile(f"{server.url}/gone.pth", size_mb=12.5),
        WeightFile(f"{server.url}/b/gone.bin", place="b/other.bin"),
    ]
    with pytest.raises(WeightsError) as caught:
        cache.ensure(files, WeightOptions(tmp_path))
    message = str(caught.value)
    assert message.startswith("2 files of weights")
    assert f"{server.url}/gone.pth (12.5 MB) -> {tmp_path / 'gone.pth'}: the server answers 404" in message
    assert f"{server.url}/b/gone.bin (size unknown) -> {tmp_path / 'b' / 'other.bin'}" in message
    assert (tmp_path / "net.pth").exists()


def test_offline_asks_nobody(server, tmp_path):
    with pytest.raises(WeightsError, match="offline"):
        cache.ensure([WeightFile(f"{server.url}/a/net.pth")], WeightOptions(tmp_path, offline=True))
    assert server.requests == []
