"""Writes small ONNX models as bytes, without the package onnx, which takes as long to import as a network runs.

The same bytes as onnx writes. Field numbers are those of onnx.proto, whose messages are encoded as Protocol Buffers:
each field is its number and kind, then a varint, or a length and so many bytes; a list is its field over and over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

IR_VERSION, OPSET = 8, 17
"""Of the format, and of the operators."""

_FLOAT, _INTS = 1, 7
"""TensorProto.FLOAT, AttributeProto.INTS."""
_VARINT, _BYTES = 0, 2
"""Kinds of fields."""


@dataclass(frozen=True)
class Node:
    """One operator, with lists of integers as its attributes."""

    operator: str
    inputs: Sequence[str]
    output: str
    attributes: Mapping[str, Sequence[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Value:
    """An input or output of a model: float32, of any number of rows."""

    name: str
    rows: str
    """What the rows are."""
    shape: tuple[int, ...]
    """Of each row."""


def model(
    name: str, nodes: Sequence[Node], ends: tuple[Value, Value], weights: Mapping[str, NDArray[np.float32]]
) -> bytes:
    """An ONNX model of float32, from the first to the second of its `ends`."""
    graph = b"".join(
        (
            *(_bytes(1, _node(node)) for node in nodes),
            _text(2, name),
            *(_bytes(5, _tensor(named, array)) for named, array in weights.items()),
            _bytes(11, _value(ends[0])),
            _bytes(12, _value(ends[1])),
        )
    )
    return _int(1, IR_VERSION) + _bytes(7, graph) + _bytes(8, _text(1, "") + _int(2, OPSET))


def _node(node: Node) -> bytes:
    attributes = (_bytes(5, _ints(named, node.attributes[named])) for named in sorted(node.attributes))
    inputs = (_text(1, named) for named in node.inputs)
    return b"".join((*inputs, _text(2, node.output), _text(4, node.operator), *attributes))


def _ints(name: str, values: Sequence[int]) -> bytes:
    return _text(1, name) + b"".join(_int(8, value) for value in values) + _int(20, _INTS)


def _tensor(name: str, array: NDArray[np.float32]) -> bytes:
    dims = b"".join(_int(1, length) for length in array.shape)
    return dims + _int(2, _FLOAT) + _text(8, name) + _bytes(9, np.asarray(array, "<f4").tobytes())


def _value(value: Value) -> bytes:
    rows, lengths = _bytes(1, _text(2, value.rows)), (_bytes(1, _int(1, length)) for length in value.shape)
    tensor = _int(1, _FLOAT) + _bytes(2, rows + b"".join(lengths))
    return _text(1, value.name) + _bytes(2, _bytes(1, tensor))


def _int(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value)


def _text(number: int, text: str) -> bytes:
    return _bytes(number, text.encode())


def _bytes(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last have the eighth set. `value` is no negative number."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
