import numpy as np
import torch

from models.inputs import rows as module
from models.inputs.rows import Rows, mean
from pipeline.stores import mapped
from pipeline.stores.ragged import Ragged


def made(counts, dim=3):
    chance = np.random.default_rng(0)
    return [chance.normal(size=(count, dim)).astype(np.float32) for count in counts]


def test_rows_are_averaged_and_empty_ones_are_zeros():
    rows = [np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32) for n in (0, 2, 0, 5, 1, 0)]
    expected = [row.mean(0) if len(row) else np.zeros(3) for row in rows]
    np.testing.assert_allclose(mean(Ragged.stack(rows, 3)), expected, rtol=1e-6)
    assert not mean(Ragged.stack([rows[0]], 3)).any()


def test_means_of_some_rows_at_a_time_are_those_of_all_at_once_to_the_bit(monkeypatch, tmp_path):
    rows = Ragged.stack(made(np.random.default_rng(1).integers(0, 7, 100), 5), 5)
    whole = mean(rows)
    for at_once in (1, 2, 7, 299):
        monkeypatch.setattr(module, "SUMMED_AT_ONCE", at_once)
        assert torch.equal(mean(rows), whole)
    monkeypatch.setattr(mapped, "HELD_BYTES", 0)
    assert torch.equal(mean(Ragged(rows.values, rows.offsets, tmp_path)), whole)
    assert not any(tmp_path.iterdir()), "the file has no name"


def test_rows_are_padded_with_zeros_and_cut():
    rows = made((2, 0, 5, 1))
    found, counts = Rows.of(Ragged.stack(rows, 3), 4, torch.device("cpu")).padded(torch.tensor([2, 1, 0]), trim=False)
    assert counts.tolist() == [4, 0, 2]
    assert found.shape == (3, 4, 3)
    for values, row in zip(found, (rows[2][:4], rows[1], rows[0]), strict=True):
        np.testing.assert_array_equal(values[: len(row)], row)
        assert not values[len(row) :].any()


def test_the_vectors_are_not_copied():
    rows = Ragged.stack(made((2, 3)), 3)
    assert Rows.of(rows, 2, torch.device("cpu")).values.data_ptr() == rows.values.ctypes.data
