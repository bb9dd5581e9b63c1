"""Whether a GPU may compute float32 products in TF32, which keeps 10 bits of the mantissa: a setting of the process."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """The context in which matrix products and convolutions in float32 may, or may not, be computed in TF32.

    PyTorch's default allows it for convolutions and not for matrix products. The previous settings are restored at the
    end. No effect on a CPU.
    """
    import torch

    # The older names of these settings: after the newer ones are set, reading the older ones raises RuntimeError.
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before
