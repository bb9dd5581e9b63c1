import subprocess
import sys

from pipeline.stores import zarr_library

BUSY_AT_THE_END = """
import time
from pathlib import Path
import numpy as np
from pipeline.stores import parts, store
from zarr.core import sync

words = {"text": np.array(["x"])}  # which zarr writes
row = parts.Features(np.ones((1, 2), np.float32), np.zeros((1, 2)), words)
parts.publish(Path("part"), [store.Row("a", 1)], [row], 2)
sync.loop[0].call_soon_threadsafe(time.sleep, 1.0)
"""


def test_it_is_zarr():
    import zarr

    assert zarr_library.load() is zarr


def test_a_process_whose_event_loop_is_busy_ends_without_a_word(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", BUSY_AT_THE_END], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
