import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import StoreError
from pipeline.stores import mapped
from pipeline.stores.mapped import filled

ROOT = Path(__file__).parents[3]
ROWS = np.random.default_rng(0).normal(size=(50, 7))


def blocks(values=ROWS):
    """All rows in blocks of several lengths, the last ones first."""
    return reversed([(start, values[start:stop]) for start, stop in ((0, 1), (1, 30), (30, 30), (30, 50))])


@pytest.fixture(params=[0, 1 << 28], ids=["in a file", "in memory"])
def held(request, monkeypatch):
    monkeypatch.setattr(mapped, "HELD_BYTES", request.param)


@pytest.mark.usefixtures("held")
def test_an_array_is_what_its_blocks_were_in_float32(tmp_path):
    found = filled(ROWS.shape, blocks(), tmp_path)
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, ROWS.astype(np.float32))
    assert found.dtype == np.float32
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("seed", range(20))
def test_runs_copy_what_row_by_row_is_copied(seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, 30)
    ends = np.cumsum(counts)
    rows = np.sort(rng.choice(30, 20)) if seed % 2 else np.arange(5, 25)
    spans, is_mine = np.stack([ends - counts, ends], axis=1)[rows], rng.random(20) < (0.7 if seed % 3 else 1.0)
    stored, offsets, places = (
        np.arange(ends[-1]),
        np.concatenate([[0], np.cumsum(counts[rows])]),
        np.flatnonzero(is_mine),
    )
    found, expected = np.full(offsets[-1], -1), np.full(offsets[-1], -1)
    for place in places:
        expected[offsets[place] : offsets[place + 1]] = stored[slice(*spans[place])]
    several = list(mapped.runs(places, spans[places]))
    for place, span in several:
        found[offsets[place] : offsets[place] + span.stop - span.start] = stored[span]
    assert found.tolist() == expected.tolist()
    assert seed % 2 or seed % 3 or len(several) == 1, "rows that follow one another are one"


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("shape", [(0, 7), (3, 0)])
def test_no_entries_are_no_file(shape, tmp_path):
    assert filled(shape, [], tmp_path).shape == shape


def test_without_a_folder_it_is_held(monkeypatch):
    monkeypatch.setattr(mapped, "HELD_BYTES", 0)
    monkeypatch.setattr(mapped, "_nameless", None)
    np.testing.assert_array_equal(filled(ROWS.shape, blocks(), None), ROWS.astype(np.float32))


def test_where_the_folder_cannot_be_written_the_file_is_a_temporary_one(monkeypatch, tmp_path):
    monkeypatch.setattr(mapped, "HELD_BYTES", 0)
    found = filled(ROWS.shape, blocks(), tmp_path / "not there")
    np.testing.assert_array_equal(found, ROWS.astype(np.float32))


def test_without_any_folder_to_write_to_it_is_an_error_of_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(mapped, "HELD_BYTES", 0)
    monkeypatch.setattr(mapped.tempfile, "tempdir", str(tmp_path / "nor there"))
    with pytest.raises(StoreError, match=r"not there: cannot be written: No such file.*set TMPDIR"):
        filled(ROWS.shape, blocks(), tmp_path / "not there")


@pytest.mark.parametrize("is_there", [True, False])
def test_a_full_disk_is_an_error_that_says_which_and_what_to_do(is_there, tmp_path):
    folder = tmp_path if is_there else tmp_path / "not there"
    code = f"""if True:
        import resource, signal
        from pathlib import Path
        import numpy as np
        from pipeline.errors import StoreError
        from pipeline.stores import mapped
        mapped.HELD_BYTES = 0
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
        try:
            mapped.filled((1000, 10), ((n, np.ones((1, 10))) for n in range(1000)), Path({str(folder)!r}))
        except StoreError as error:
            print(error)
    """
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    where = tmp_path if is_there else tempfile.gettempdir()
    assert f"{where}: no room for a copy of the features that are read: {os.strerror(errno.EFBIG)}" in run.stdout
    assert not any(tmp_path.iterdir())


def test_a_large_array_takes_no_memory_of_the_process(tmp_path):
    """Under a limit in which it has no room; held in memory it fails there."""
    code = f"""if True:
        import resource, sys
        from pathlib import Path
        import numpy as np
        from pipeline.stores import mapped
        used = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData"))
        resource.setrlimit(resource.RLIMIT_DATA, ((used << 10) + (32 << 20),) * 2)
        mapped.HELD_BYTES = int(sys.argv[1])
        block = np.ones((1 << 8, 1 << 10), np.float32)
        found = mapped.filled((1 << 14, 1 << 10), ((n << 8, block * n) for n in range(64)), Path({str(tmp_path)!r}))
        print(found[:: 1 << 8, 0].tolist() == list(range(64)))
    """

    def run(held_bytes):
        command = [sys.executable, "-c", code, str(held_bytes)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert run(1 << 20).stdout == "True\n"
    assert "Unable to allocate 64.0 MiB" in run(1 << 30).stderr
