import pytest
import torch

from pipeline.running import onednn

with_onednn = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch without oneDNN")


@with_onednn
def test_pytorch_has_the_private_operator_of_onednn():
    assert onednn.operator() is not None, (
        "torch.ops.mkldnn._linear_pointwise is gone: linear layers are multiplied by MKL, on AMD processors at half "
        "the speed; find its new name there"
    )


@with_onednn
@pytest.mark.parametrize("has_bias", [True, False])
def test_a_product_is_that_in_float64_also_of_a_part_of_the_weights(has_bias):
    torch.manual_seed(0)
    x, whole, bias = torch.randn(3, 4, 32), torch.randn(16, 64), torch.randn(16) if has_bias else None
    for weight in (whole[:, :32].contiguous(), whole[:, :32], whole.t()[:32, :].t(), whole[:, ::2]):
        exact = torch.nn.functional.linear(x.double(), weight.double(), None if bias is None else bias.double())
        torch.testing.assert_close(onednn.product(x, weight, bias).double(), exact, rtol=1e-5, atol=1e-5)


def test_it_is_for_float32_on_a_cpu_outside_of_autocast():
    x, weight = torch.ones(2, 3), torch.ones(4, 3)
    assert onednn.is_for_it(x, weight)
    assert not onednn.is_for_it(x.double(), weight.double())
    assert not onednn.is_for_it(x, weight.bfloat16())
    assert not onednn.is_for_it(x[:0], weight)
    assert not onednn.is_for_it(x.to("meta"), weight.to("meta"))
    with torch.autocast("cpu", torch.bfloat16):
        assert not onednn.is_for_it(x, weight)


@pytest.fixture
def asked_anew():
    onednn.is_faster_than_mkl.cache_clear()
    yield
    onednn.is_faster_than_mkl.cache_clear()


@pytest.mark.usefixtures("asked_anew")
@pytest.mark.parametrize("is_told_by_linux", [True, False])
@pytest.mark.parametrize(
    ("vendor", "capability", "is_faster"),
    [
        ("AuthenticAMD", "AVX512", True),
        ("AuthenticAMD", "AVX2", False),
        ("GenuineIntel", "AVX512", False),
        ("", "DEFAULT", False),
    ],
)
def test_it_is_faster_on_processors_of_amd_with_avx512(
    monkeypatch, tmp_path, vendor, capability, is_faster, is_told_by_linux
):
    if is_told_by_linux:
        (tmp_path / "cpuinfo").write_text(f"processor: 0\nvendor_id: {vendor}\n")
    monkeypatch.setattr(onednn, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(onednn.platform, "processor", lambda: "" if is_told_by_linux else f"Family 25, {vendor}")
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(onednn, "operator", lambda: print)
    assert onednn.is_faster_than_mkl() == is_faster


@pytest.mark.usefixtures("asked_anew")
def test_without_the_operator_it_is_not_faster(monkeypatch, tmp_path):
    (tmp_path / "cpuinfo").write_text("vendor_id: AuthenticAMD")
    monkeypatch.setattr(onednn, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr(onednn, "operator", lambda: None)
    assert not onednn.is_faster_than_mkl()
