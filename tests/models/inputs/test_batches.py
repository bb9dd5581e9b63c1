import dataclasses

import numpy as np
import pytest
import torch

from models.inputs.batches import Collection, Data, draw_pairs, epoch, storage_device
from models.inputs.rows import mean
from models.network_inputs import ExpertInput, TextInput
from pipeline.errors import TrainingError
from pipeline.stores.ragged import Ragged
from tests.models.synthetic import synthetic_split

CPU = torch.device("cpu")


@pytest.mark.parametrize("trim", [True, False])
def test_a_batch_holds_what_the_collection_holds(trim):
    split = synthetic_split(9, 0)
    data, rows = Data(split, CPU, trim), torch.tensor([7, 2, 2, 5])
    videos = data.videos(rows)
    torch.testing.assert_close(videos.experts["signal"], mean(split.features["signal"])[rows])
    for at, row in enumerate(rows.tolist()):
        words = split.features["words"][row][:4]
        assert videos.counts["words"][at] == len(words)
        assert videos.available["words"][at] == (len(words) > 0)
        np.testing.assert_array_equal(videos.experts["words"][at, : len(words)], words)
        assert not videos.experts["words"][at, len(words) :].any()
    longest = max(1, min(4, int(split.features["words"].counts[rows].max())))
    assert videos.experts["words"].shape[1] == (longest if trim else 4)
    texts = data.texts(torch.tensor([3]))
    np.testing.assert_array_equal(texts.text[0, : texts.counts[0]], split.tokens[3][:6])


def test_an_expert_that_saw_nothing_at_all_is_padded_with_zeros():
    split = synthetic_split(3, 0)
    blank = Ragged.stack([np.zeros((0, 8), np.float32)] * 3, 8)
    split = dataclasses.replace(split, features=split.features | {"words": blank})
    videos = Data(split, CPU, trim=True).videos(torch.arange(3))
    assert videos.experts["words"].shape == (3, 1, 8)
    assert not videos.experts["words"].any()
    assert not videos.available["words"].any()


@pytest.mark.parametrize(("free_bytes", "where"), [(1 << 40, "cuda"), (1000, "cpu")])
def test_vectors_are_kept_on_a_gpu_only_where_they_fit(monkeypatch, free_bytes, where):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free_bytes, 1 << 41))
    assert storage_device(synthetic_split(9, 0), torch.device("cuda")).type == where
    assert storage_device(synthetic_split(9, 0), CPU) == CPU


def test_what_a_gpu_must_hold_is_counted(monkeypatch):
    """Of `signal` and `noise` a vector a video, whatever they are the mean of; of the others all tokens."""
    split = synthetic_split(9, 0)
    needed = 4 * (9 * (12 + 5) + split.features["words"].values.size + split.tokens.values.size)
    for free_bytes, where in ((2 * needed, "cuda"), (2 * needed - 2, "cpu")):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device, free=free_bytes: (free, 1 << 41))
        assert storage_device(split, torch.device("cuda")).type == where


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("free_bytes", [1 << 40, 0])
def test_a_batch_arrives_on_the_gpu_from_either_place(monkeypatch, free_bytes):
    split, rows = synthetic_split(9, 0), torch.tensor([7, 2, 5])
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free_bytes, 1 << 41))
    found, expected = (Data(split, torch.device(name), trim=True) for name in ("cuda", "cpu"))
    texts = ({"text": of.texts(rows).text, "counts": of.texts(rows).counts} for of in (found, expected))
    for ours, theirs in ((found.videos(rows).experts, expected.videos(rows).experts), tuple(texts)):
        assert all(value.is_cuda for value in ours.values())
        torch.testing.assert_close({name: value.cpu() for name, value in ours.items()}, theirs, rtol=0, atol=0)


def test_each_video_has_its_turn_once_with_one_of_its_own_captions():
    split = synthetic_split(50, 0)
    videos, captions = draw_pairs(split, torch.Generator().manual_seed(0))
    assert sorted(videos.tolist()) == list(range(50))
    np.testing.assert_array_equal(split.caption_video[captions], videos)


def test_captions_of_a_video_are_drawn_evenly():
    split = synthetic_split(6, 0)
    chance = torch.Generator().manual_seed(0)
    drawn = torch.cat([draw_pairs(split, chance)[1] for _ in range(3000)])
    times = np.bincount(drawn, minlength=len(split.tokens))
    expected = 3000 / np.bincount(split.caption_video)[split.caption_video]
    np.testing.assert_allclose(times, expected, rtol=0.15)


def test_videos_without_a_caption_or_an_expert_have_no_turn():
    split = _small([[1, 1], [0, 1], [0, 0], [1, 0]], captions=[0, 1, 1, 2])
    videos, _ = draw_pairs(split, torch.Generator())
    assert sorted(videos.tolist()) == [0, 1]


def test_nothing_to_train_on_is_an_error():
    with pytest.raises(TrainingError, match="no video of the training split"):
        draw_pairs(_small([[0, 0]], captions=[0]), torch.Generator())


@pytest.mark.parametrize(("videos", "sizes"), [(9, [4, 5]), (8, [4, 4]), (10, [4, 4, 2]), (1, [1]), (5, [5])])
def test_a_single_video_left_over_joins_the_batch_before(videos, sizes):
    data = Data(synthetic_split(videos, 0), CPU, trim=True)
    batches = list(epoch(data, 4, torch.Generator().manual_seed(0)))
    assert [len(batch.texts.counts) for batch in batches] == sizes
    assert [len(batch.videos.available["signal"]) for batch in batches] == sizes
    assert [batch.teacher_scores for batch in batches] == [None] * len(sizes)


def test_the_same_generator_state_gives_the_same_epoch():
    split, chance = synthetic_split(20, 0), torch.Generator().manual_seed(3)
    draw_pairs(split, chance)
    state = chance.get_state()
    first = draw_pairs(split, chance)
    chance.set_state(state)
    assert all(torch.equal(*pair) for pair in zip(first, draw_pairs(split, chance), strict=True))


def test_arrays_that_do_not_fit_are_refused_by_name():
    split = synthetic_split(4, 0)
    with pytest.raises(TrainingError, match="different numbers of videos"):
        dataclasses.replace(split, features=split.features | {"noise": split.features["noise"].take([0])})
    with pytest.raises(TrainingError, match="captions, but"):
        dataclasses.replace(split, caption_video=np.zeros(1, np.int64))
    with pytest.raises(TrainingError, match="noise: vectors of length 8 where the network expects 5"):
        dataclasses.replace(split, features=split.features | {"noise": split.features["words"]})
    with pytest.raises(TrainingError, match="caption 0 belongs to video 9, and there are 4"):
        dataclasses.replace(split, caption_video=np.full(len(split.tokens), 9))


def test_a_value_that_is_not_finite_is_refused_with_its_row():
    split = synthetic_split(4, 0)
    values = split.features["noise"].values.copy()
    values[2, 1] = np.nan
    with pytest.raises(TrainingError, match="noise: row 2 holds a value that is not finite"):
        dataclasses.replace(split, features=split.features | {"noise": Ragged(values, split.features["noise"].offsets)})


def _small(counts, captions):
    """Two experts with so many rows for each video."""
    rows = {
        name: [np.ones((count, 2), np.float32) for count in column]
        for name, column in zip("ab", zip(*counts, strict=True), strict=True)
    }
    experts = (ExpertInput("a", 2), ExpertInput("b", 2))
    tokens = Ragged.stack([np.ones((1, 3), np.float32)] * len(captions), 3)
    features = {name: Ragged.stack(values, 2) for name, values in rows.items()}
    return Collection(experts, TextInput(3, 1, 0, 2), features, tokens, np.array(captions))
