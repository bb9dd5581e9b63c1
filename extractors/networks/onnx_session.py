"""Opens ONNX models on the CPU, beside decode workers that need the cores."""

import os
from typing import Any

from pipeline.running.worker_pool import num_workers


def open_session(model: bytes, threads: int) -> Any:
    """An ONNX Runtime session on so many threads, which do not spin while they wait."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # decode workers need the cores
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def num_threads() -> int:
    """What the environment gives to OpenMP, as for PyTorch; else one per core that this process may use."""
    told = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return max(1, int(told)) if told.isdecimal() else num_workers(0)
