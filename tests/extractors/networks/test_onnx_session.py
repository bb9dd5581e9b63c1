import numpy as np
import pytest
from onnx import TensorProto, helper

from extractors.networks import onnx_session
from extractors.networks.onnx_session import num_threads, open_session


def test_a_model_is_opened_on_so_many_threads_that_do_not_spin():
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "negative", values[:1], values[1:])
    session = open_session(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString(), 3
    )
    assert session.run(None, {"x": np.array([1, -2], np.float32)})[0].tolist() == [-1, 2]
    options = session.get_session_options()
    assert options.intra_op_num_threads == 3
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


@pytest.mark.parametrize(("told", "number"), [("", 5), ("3", 3), ("2,4", 2), ("0", 1), ("many", 5)])
def test_threads_are_as_many_as_openmp_is_told_or_one_a_core(monkeypatch, told, number):
    monkeypatch.setattr(onnx_session, "num_workers", lambda setting: 5)
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert num_threads() == number
