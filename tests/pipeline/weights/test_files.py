import hashlib
import http.server
import io
import pickle
import threading
import zipfile
import zlib

import numpy as np
import pytest
import torch

from pipeline.errors import WeightsError
from pipeline.weights import cache, catalog, seeded
from pipeline.weights import tensors as tensors_module
from pipeline.weights.files import WeightFile, WeightOptions, WeightSource

BYTES = np.random.default_rng(0).bytes(3_000_000)
SHA256 = hashlib.sha256(BYTES).hexdigest()


class Server:
    """Files on loopback; `break_after` bytes of a file a connection ends, as bad lines do."""

    def __init__(self, files):
        self.files, self.break_after, self.ranges = files, None, True
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append((self.path, self.headers.get("Range")))
                outer.answer(self)

            def log_message(self, *told):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, request):
        data = self.files.get(request.path)
        if data is None:
            request.send_error(404)
            return
        begin = int((request.headers.get("Range") or "bytes=0-")[6:].split("-")[0]) if self.ranges else 0
        request.send_response(206 if begin else 200)
        request.send_header("Content-Length", str(len(data) - begin))
        request.end_headers()
        end = len(data) if self.break_after is None else min(len(data), begin + self.break_after)
        request.wfile.write(data[begin:end])

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server():
    made = Server({"/a/net.pth": BYTES})
    yield made
    made.close()


def test_a_file_is_fetched_once_and_checked(server, tmp_path):
    file, options = WeightFile(f"{server.address}/a/net.pth", SHA256), WeightOptions(tmp_path)
    assert cache.missing([file, file], options) == [file]
    cache.ensure([file], options)
    cache.ensure([file], options)
    assert (tmp_path / "net.pth").read_bytes() == BYTES
    assert len(server.asked) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["net.pth"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_connection_goes_on_where_it_stopped(server, tmp_path, ranges):
    server.break_after, server.ranges = (1_000_000 if ranges else None), ranges
    partial = tmp_path / "net.pth.arriving.partial"
    partial.write_bytes(BYTES[:500_000])  # of an earlier run
    cache.ensure([WeightFile(f"{server.address}/a/net.pth", SHA256[:12])], WeightOptions(tmp_path))
    assert (tmp_path / "net.pth").read_bytes() == BYTES
    begins = [asked for _, asked in server.asked]
    assert begins == (["bytes=500000-", "bytes=1500000-", "bytes=2500000-"] if ranges else ["bytes=500000-"])


def test_a_wrong_file_is_refused_and_not_kept(server, tmp_path):
    with pytest.raises(WeightsError, match=f"sha256 {SHA256}, expected 00000000"):
        cache.ensure([WeightFile(f"{server.address}/a/net.pth", "00000000")], WeightOptions(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_file_inside_an_archive_is_taken_out(server, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("craft.pth", BYTES)
    server.files["/craft.zip"] = packed.getvalue()
    file = WeightFile(f"{server.address}/craft.zip", place="easyocr/craft.pth", member="craft.pth")
    cache.ensure([file], WeightOptions(tmp_path))
    assert (tmp_path / "easyocr" / "craft.pth").read_bytes() == BYTES
    assert [path.name for path in (tmp_path / "easyocr").iterdir()] == ["craft.pth"]


def test_a_mirror_serves_what_a_cache_holds(server, tmp_path):
    server.files["/copy/easyocr/craft.pth"] = BYTES
    file = WeightFile("http://nowhere.invalid/craft.zip", place="easyocr/craft.pth", member="craft.pth")
    cache.ensure([file], WeightOptions(tmp_path, mirror=f"{server.address}/copy/"))
    assert (tmp_path / "easyocr" / "craft.pth").read_bytes() == BYTES


def test_all_that_is_missing_is_told_at_once_with_where_to_put_it(server, tmp_path):
    files = [
        WeightFile(f"{server.address}/a/net.pth", SHA256, size_mb=3),
        WeightFile(f"{server.address}/gone.pth", size_mb=12.5),
        WeightFile(f"{server.address}/b/gone.bin", place="b/other.bin"),
    ]
    with pytest.raises(WeightsError) as caught:
        cache.ensure(files, WeightOptions(tmp_path))
    told = str(caught.value)
    assert told.startswith("2 files of weights")
    assert f"{server.address}/gone.pth (12.5 MB) -> {tmp_path / 'gone.pth'}: the server answers 404" in told
    assert f"{server.address}/b/gone.bin (size unknown) -> {tmp_path / 'b' / 'other.bin'}" in told
    assert (tmp_path / "net.pth").exists()


def test_offline_asks_nobody(server, tmp_path):
    with pytest.raises(WeightsError, match="offline"):
        cache.ensure([WeightFile(f"{server.address}/a/net.pth")], WeightOptions(tmp_path, offline=True))
    assert server.asked == []


@pytest.mark.parametrize("wrong", [{"sha256": "xyz"}, {"place": "/etc/passwd"}, {"place": "../up.pth"}])
def test_a_file_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match=r"sha256|place"):
        WeightFile("http://a/b.pth", **wrong)


class _Evil:
    def __reduce__(self):
        return print, ("code ran",)


def test_a_checkpoint_that_holds_code_is_refused_unrun(tmp_path, capsys):
    torch.save({"state_dict": {"w": torch.zeros(2), "x": _Evil()}}, tmp_path / "evil.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(_Evil(), protocol=2))
    for name in ("evil.pth", "plain.pth"):
        with pytest.raises(WeightsError, match=r"\.pth"):
            tensors_module.load_tensors(tmp_path / name)
    assert capsys.readouterr().out == ""


def test_tensors_come_out_of_both_formats(tmp_path):
    from safetensors.torch import save_file

    tensors = {"a.weight": torch.arange(6.0).reshape(2, 3)}
    torch.save({"epoch": 3, "arch": "x", "state_dict": tensors}, tmp_path / "a.pth.tar")
    save_file(tensors, tmp_path / "a.safetensors")
    for name in ("a.pth.tar", "a.safetensors"):
        loaded = tensors_module.load_tensors(tmp_path / name)
        assert torch.equal(loaded["a.weight"], tensors["a.weight"])


def test_a_stand_in_follows_its_rule():
    noise = np.random.RandomState(zlib.crc32(b"x.conv.weight")).standard_normal((4, 2, 3))
    np.testing.assert_allclose(seeded.stand_in("x.conv.weight", (4, 2, 3)), noise * np.sqrt(2 / 6), rtol=1e-6)
    assert seeded.stand_in("bn.running_var", (50,)).min() >= 0.1
    assert abs(seeded.stand_in("bn.weight", (500,)).mean() - 1) < 0.05
    assert abs(seeded.stand_in("bn.bias", (500,))).max() < 0.3
    assert seeded.stand_in("bn.num_batches_tracked", ()) == 0
    small, large = (np.abs(seeded.stand_in(name, (8, 8))).max() for name in ("flow_head.conv2.weight", "w"))
    assert small < 0.1 * large


def test_stand_ins_fill_the_whole_state_but_no_index():
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.bn = torch.nn.BatchNorm2d(3)
            self.register_buffer("place", torch.arange(4))

    network = seeded.fill(Net())
    assert network.place.tolist() == [0, 1, 2, 3]
    assert not torch.equal(network.bn.weight, torch.ones(3))
    assert network.bn.num_batches_tracked == 0


def test_what_the_yaml_asks_for_goes_before_the_options():
    assert WeightSource(always_seeded=True).seeded
    assert WeightSource(WeightOptions(seeded=True)).seeded
    assert not WeightSource().seeded


def test_libraries_know_their_files():
    resnet = catalog.torchvision_file("resnet50", "IMAGENET1K_V1")
    assert resnet.sha256 == "0676ba61"
    assert 90 < resnet.size_mb < 110
    assert catalog.timm_file("legacy_senet154.in1k").sha256 == "e9eb9fe6"
    assert catalog.timm_file("resnet50.a1_in1k").cached_as == "timm/resnet50.a1_in1k/model.safetensors"
    assert len(catalog.whisper_file("base").sha256) == 64
    assert catalog.open_clip_file("ViT-B-32", "openai").cached_as.startswith("timm/vit_base_patch32_clip_224")
    for wrong in (
        lambda: catalog.torchvision_file("resnet50", "NONE"),
        lambda: catalog.timm_file("resnet1"),
        lambda: catalog.whisper_file("enormous"),
        lambda: catalog.open_clip_file("ViT-B-32", "nobody"),
    ):
        with pytest.raises(WeightsError, match="know"):
            wrong()
