import gc
import os
import subprocess
import sys

import pytest

from pipeline.running import cpu

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="glibc and resource limits as Linux has them")


def printed(script: str, **environment: str) -> str:
    """What a fresh process prints: the settings hold for a whole process, and this one is to keep its own."""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ | environment
    )
    return done.stdout.strip()


FAULTS = """
import resource, threading
import numpy as np
from pipeline.running.cpu import freed_memory_kept, prepare_for_networks
prepare_for_networks()
def work():
    np.ones(10_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        np.ones(10_000_000)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
def in_a_thread():
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
in_a_thread()
with freed_memory_kept():
    in_a_thread()
in_a_thread()
"""


@linux_only
def test_memory_that_is_freed_is_used_again_without_asking_the_system_until_the_context_ends():
    before, kept, after = (int(faults) for faults in printed(FAULTS).split())
    # 80 MB are 39 huge or 19,532 small pages; all of them anew each time, or none.
    assert min(before, after) > 20 * 19
    assert kept < before / 10


def test_idle_threads_leave_their_core_soon_unless_the_user_says_how_soon(monkeypatch):
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    cpu.prepare_for_networks()
    assert os.environ["GOMP_SPINCOUNT"] == cpu.SPIN_COUNT
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    cpu.prepare_for_networks()
    assert os.environ["GOMP_SPINCOUNT"] == "7"


def test_a_system_without_glibc_goes_on_without(monkeypatch):
    monkeypatch.setattr(cpu.platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(cpu.ctypes, "CDLL", lambda name: pytest.fail("there is no such library"))
    cpu.prepare_for_networks()
    with cpu.freed_memory_kept():
        pass


ONE_THREAD = """
import sys
import numpy
if {before}: import torch
from pipeline.running.cpu import one_thread
one_thread()
assert ("torch" in sys.modules) == {before}
import torch
from threadpoolctl import threadpool_info
print(torch.get_num_threads(), {{library["num_threads"] for library in threadpool_info()}})
"""


@pytest.mark.parametrize("before", [True, False])
def test_one_thread_is_all_that_numpy_and_torch_have_whichever_comes_first(before):
    set_by_user = {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    assert printed(ONE_THREAD.format(before=before), **set_by_user) == "1 {1}"


ON_ONE_THREAD = """
import os
import numpy, torch
from threadpoolctl import threadpool_info
from pipeline.running.cpu import on_one_thread
def threads():
    return torch.get_num_threads(), sorted({library["num_threads"] for library in threadpool_info()})
before, variables = threads(), dict(os.environ)
try:
    with on_one_thread():
        assert threads() == (1, [1]), threads()
        1 / 0
except ZeroDivisionError:
    print(before == threads() != (1, [1]), variables == dict(os.environ))
"""


def test_after_the_context_the_threads_and_variables_are_those_of_before():
    assert printed(ON_ONE_THREAD, OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="2") == "True True"


def test_collection_is_on_again_afterwards_and_stays_off_where_it_was_off():
    with pytest.raises(ZeroDivisionError), cpu.without_collection():
        assert not gc.isenabled()
        raise ZeroDivisionError
    assert gc.isenabled()
    gc.disable()
    try:
        with cpu.without_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
