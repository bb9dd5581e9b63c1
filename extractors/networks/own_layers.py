"""When a layer is computed in a way of our own in place of PyTorch's. Imported lazily, as it needs torch."""

import torch

from pipeline.running.onednn import is_for_it


def is_for_ours(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> bool:
    """Whether it is float32 on a CPU, without gradients, and nobody writes the network down.

    Who does is torch.compile, torch.export or the converter to ONNX, which know PyTorch's own layers.
    """
    has_learned = any(tensor.requires_grad for tensor in (x, weight, bias) if tensor is not None)
    is_learned = torch.is_grad_enabled() and has_learned
    is_written_down = torch.onnx.is_in_onnx_export() or torch.compiler.is_compiling()
    return is_for_it(x, weight) and not is_learned and not is_written_down
