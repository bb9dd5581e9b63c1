"""Models are compared with those that the package onnx writes."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from extractors.networks import onnx_bytes
from extractors.networks.onnx_bytes import Node, Value
from extractors.networks.onnx_session import open_session

RNG = np.random.default_rng(0)
WEIGHTS = {"w": RNG.standard_normal((200, 1, 3, 3)).astype(np.float32), "b": np.arange(200, dtype=np.float32)}
PADDED = {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}
NODES = [Node("Conv", ["x", "w", "b"], "c", PADDED), Node("Relu", ["c"], "y")]
MODEL = onnx_bytes.model(
    "Small", NODES, (Value("x", "sample", (1, 4, 300)), Value("y", "sample", (200, 4, 300))), WEIGHTS
)


def test_the_bytes_are_those_that_onnx_writes():
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], **PADDED), helper.make_node("Relu", ["c"], ["y"])]
    shapes = {"x": (1, 4, 300), "y": (200, 4, 300)}
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["sample", *shapes[name]]) for name in shapes)
    weights = [numpy_helper.from_array(array, name) for name, array in WEIGHTS.items()]
    graph = helper.make_graph(nodes, "Small", [x], [y], weights)
    expected = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    assert expected.SerializeToString() == MODEL


def test_onnx_finds_the_model_sound_and_its_runtime_computes_it():
    onnx.checker.check_model(onnx.load_from_string(MODEL), full_check=True)
    x = RNG.standard_normal((2, 1, 4, 300)).astype(np.float32)
    (found,) = open_session(MODEL, 1).run(None, {"x": x})
    padded = np.pad(x[:, 0].astype(np.float64), ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    expected = np.einsum("nijkl,okl->noij", windows, WEIGHTS["w"][:, 0]) + WEIGHTS["b"][None, :, None, None]
    np.testing.assert_allclose(found, np.maximum(expected, 0), rtol=1e-4, atol=1e-3)
