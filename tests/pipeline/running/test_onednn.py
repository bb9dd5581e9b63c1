import pytest
import torch

from pipeline.running import onednn


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch without oneDNN")
def test_pytorch_has_the_private_operator_of_onednn():
    assert onednn.operator() is not None, (
        "torch.ops.mkldnn._linear_pointwise is gone: linear layers are multiplied by MKL, on AMD processors at half "
        "the speed; find its new name there"
    )


@pytest.mark.parametrize("has_bias", [True, False])
def test_a_product_is_that_in_float64_also_of_a_part_of_the_weights(has_bias):
    torch.manual_seed(0)
    x, whole, bias = torch.randn(3, 4, 32), torch.randn(16, 64), torch.randn(16) if has_bias else None
    for weight in (whole[:, :32].contiguous(), whole[:, :32], whole.t()[:32, :].t(), whole[:, ::2]):
        exact = torch.nn.functional.linear(x.double(), weight.double(), None if bias is None else bias.double())
        torch.testing.assert_close(onednn.product(x, weight, bias).double(), exact, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("vendor", "capability", "is_faster"),
    [
        ("AuthenticAMD", "AVX512", True),
        ("AuthenticAMD", "AVX2", False),
        ("GenuineIntel", "AVX512", False),
        ("", "DEFAULT", False),
    ],
)
def test_it_is_faster_on_processors_of_amd_with_avx512(monkeypatch, vendor, capability, is_faster):
    monkeypatch.setattr(onednn.platform, "system", lambda: "Windows")
    monkeypatch.setattr(onednn.platform, "processor", lambda: f"AMD64 Family 25, {vendor}")
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    onednn.is_faster_than_mkl.cache_clear()
    assert onednn.is_faster_than_mkl() == is_faster
    onednn.is_faster_than_mkl.cache_clear()
