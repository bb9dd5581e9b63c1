"""Makes Arrow arrays of Python's values from their bytes.

`pyarrow.array`, and all that calls it, imports pandas to ask whether the values are of pandas: over a CPU second, for
columns that are written in a tenth of it.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np


def array_of(values: Sequence[Any], kind: Any) -> Any:
    """The Arrow array of `values` without a null; `kind`: string, bool, int64, float64, a list or a struct of these.

    The values of a struct are tuples, in the order of its fields.
    """
    import pyarrow as pa

    def made(buffer: bytes | np.ndarray | None, *children: Any) -> Any:
        buffers = [None] if buffer is None else [None, pa.py_buffer(buffer)]
        return pa.Array.from_buffers(kind, len(values), buffers, children=list(children))

    if pa.types.is_string(kind):
        encoded = [value.encode() for value in values]
        buffers = [None, pa.py_buffer(_offsets(encoded)), pa.py_buffer(b"".join(encoded))]
        return pa.Array.from_buffers(kind, len(values), buffers)
    if pa.types.is_boolean(kind):
        return made(np.packbits(np.array(values, np.bool_), bitorder="little"))
    if pa.types.is_list(kind):
        return made(_offsets(values), array_of(list(chain.from_iterable(values)), kind.value_type))
    if pa.types.is_struct(kind):
        columns = list(zip(*values, strict=True)) or [()] * kind.num_fields
        return made(None, *(array_of(column, kind.field(at).type) for at, column in enumerate(columns)))
    return made(np.array(values, kind.to_pandas_dtype()))


def _offsets(values: Sequence[Any]) -> Any:
    """(N + 1,) where each of the values begins, and their length."""
    return np.concatenate([[0], np.cumsum([len(value) for value in values])]).astype(np.int32)
