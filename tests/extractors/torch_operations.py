"""Counts what PyTorch is asked to do: on a GPU each operation costs a start, and each number asked for a wait."""

from torch.utils._python_dispatch import TorchDispatchMode

WAITS = {"_local_scalar_dense", "nonzero", "index", "index_put_", "_index_put_impl_"}
"""Operations after which Python waits for the GPU; by indices, since these come from the CPU or become such."""


class Operations(TorchDispatchMode):
    """The names of the operations in this context, one after another."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.names.append(operation.overloadpacket.__name__)
        return operation(*args, **(kwargs or {}))
