import dataclasses
import gc
import threading
import time
import weakref

import numpy as np
import pytest

from extractors.base import Embedded
from extractors.extraction.batches import Batches
from extractors.extraction.expert_run import MAX_QUEUED, ExpertRun, publish
from extractors.extraction.network_thread import NetworkThread, SideThreads
from extractors.extraction.segments import Prepared
from extractors.extraction.watch import StopRequestedError, Watch
from extractors.extraction.work import SegmentResult, Wanted
from pipeline.stores import parts, store
from tests.extractors.run_experts import OPTIONS, named

DIM = 2


class Doubler:
    """Its features of an item are the item and twice the item."""

    dim = DIM

    def __init__(self, gate=None):
        self.sizes = []
        self.gate = gate

    def load_without_torch(self):
        return False

    def load(self, device):
        pass

    def embed(self, items):
        if self.gate:
            assert self.gate.wait(10)
        self.sizes.append(len(items))
        return Embedded.one_per_item(np.concatenate([items, 2 * items], axis=1))

    def finish(self, features):
        return features


@pytest.fixture(params=[None])
def start(request, tmp_path):
    """A run of an expert in batches of three; where a test asks for some, on so many side threads."""
    networks = SideThreads(request.param) if request.param else NetworkThread()

    def run(extractor, stop=lambda: False, runtime=None, **options):
        expert = dataclasses.replace(named("rgb_light", **(runtime or {"batch_size": 3})), extractor=extractor)
        wanted = Wanted(expert, tmp_path / "store", frozenset())
        all_options = dataclasses.replace(OPTIONS, **options)
        return ExpertRun(wanted, all_options, networks, Watch(stop=stop), Batches(wanted.expert, all_options.device))

    yield run
    networks.stop()


def shown(key, values, index=0, of=1, note="", failed=False):
    """A segment in which the expert sees one item for each of `values`, a second each."""
    items = np.array(values, np.float32).reshape(-1, 1)
    times_s = np.arange(len(items))[:, None] + np.array([[0.0, 1.0]])
    prepared = Prepared(items, times_s, note, failed)
    return SegmentResult(key, ("rgb_light",), index, of, {"rgb_light": prepared}, "")


def kept(tmp_path, key):
    return parts.read_features(tmp_path / "store", key)


THREE = [shown("a", [1, 2]), shown("b", []), shown("c", [3, 4, 5, 6, 7])]


@pytest.mark.parametrize(("device", "sizes"), [("cpu", [2, 3, 2]), ("cuda:0", [3, 3, 3])])
def test_batches_end_with_a_video_on_a_cpu_and_are_always_full_on_a_gpu(start, tmp_path, device, sizes):
    extractor = Doubler()
    run = start(extractor, device=device)
    for outcome in THREE:
        run.add(outcome)
    run.publish()
    assert run.error is None
    assert extractor.sizes == sizes
    assert kept(tmp_path, "a").values.tolist() == [[1, 2], [2, 4]]
    assert kept(tmp_path, "b").values.shape == (0, DIM)
    assert kept(tmp_path, "c").values[:, 0].tolist() == [3, 4, 5, 6, 7]
    assert kept(tmp_path, "c").times_s[:, 0].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("device", "sizes"), [("cpu", [3, 3, 1]), ("cuda:0", [5, 5])])
def test_a_gpu_has_batches_of_its_own_size(start, device, sizes):
    extractor = Doubler()
    run = start(extractor, device=device, runtime={"batch_size": 3, "gpu_batch_size": 5})
    run.add(shown("a", [1, 2, 3, 4, 5, 6, 7]))
    run.publish()
    assert extractor.sizes == sizes


@pytest.mark.parametrize("number", [2, 3])
def test_what_waits_for_a_batch_or_is_in_work_keeps_nothing_of_its_segment_alive(start, number):
    """A segment is one block of memory for all experts: frames would stay as long as a window of speech waits."""
    gate = threading.Event()
    run = start(Doubler(gate), device="cuda:0")
    block = np.arange(8.0, dtype=np.float32)
    gone = weakref.ref(block)
    items, times_s = block[:number].reshape(-1, 1), block[2:8].reshape(-1, 2)[:number].astype(np.float64)
    result = SegmentResult("a", ("rgb_light",), 0, 1, {"rgb_light": Prepared(items, times_s)}, "")
    run.add(result)
    del block, items, times_s, result
    gc.collect()
    try:
        assert gone() is None
    finally:
        gate.set()
    run.publish()
    assert run.error is None


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_a_part_holds_the_videos_that_have_ended_and_the_next_one_goes_on_from_there(start, tmp_path, device):
    run = start(Doubler(), device=device)
    run.add(shown("a", [1, 2, 3, 4]))
    run.add(shown("b", [5], 0, 2))
    run.publish()
    assert held(tmp_path) == [{"a"}]
    run.add(shown("b", [6], 1, 2))
    run.publish()
    assert held(tmp_path) == [{"a"}, {"b"}]
    assert kept(tmp_path, "a").values[:, 0].tolist() == [1, 2, 3, 4]
    assert kept(tmp_path, "b").values[:, 0].tolist() == [5, 6]


def held(tmp_path):
    """The keys of each part, the smallest key first."""
    store.forget_scans()
    return sorted(({row.key for row in store.rows_of(part)} for part in store.parts(tmp_path / "store")), key=min)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"videos_per_part": 2}, [{"a", "b"}]),
        ({"seconds_per_part": 0.0}, [{"a"}, {"b"}, {"c"}]),
        # Four bytes for each of two values, and eight for each of two times: 24 for each item.
        ({"megabytes_per_part": 48e-6}, [{"a"}, {"b", "c"}]),
        ({}, []),
    ],
)
def test_a_part_is_published_when_it_has_enough_videos_or_bytes_or_is_late(start, tmp_path, options, expected):
    run = start(Doubler(), **options)
    for outcome in THREE:
        run.add(outcome)
        run._collect_all_but(0)
        publish([run] if run.is_due() else [])
    assert held(tmp_path) == expected


def test_the_last_batches_of_all_experts_are_under_way_before_the_first_one_is_waited_for(start, tmp_path):
    """So a GPU has work while files are written."""
    gate, other = threading.Event(), threading.Event()
    first, second = start(Doubler(gate), device="cuda:0"), start(Doubler(other), device="cuda:0")
    for run in (first, second):
        run.add(shown("a", [1, 2]))
    publishing = threading.Thread(target=publish, args=[(first, second)])
    publishing.start()
    deadline_s = time.monotonic() + 10
    while not second._running and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert len(first._running) == len(second._running) == 1
    assert held(tmp_path) == []
    gate.set()
    other.set()
    publishing.join(10)
    assert held(tmp_path) == [{"a"}, {"a"}], "two experts, here with one store"
    assert (first.error, second.error) == (None, None)


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_a_stop_publishes_what_is_whole_and_waits_for_no_more(start, tmp_path, device):
    gate, stops = threading.Event(), []
    extractor = Doubler()
    run = start(extractor, lambda: bool(stops), device=device)
    run.add(shown("a", [1, 2, 3]))
    run.add(shown("b", [4, 5, 6, 7], 0, 2))
    run._collect_all_but(0)
    extractor.gate = gate
    stops.append(True)
    with pytest.raises(StopRequestedError):
        run.add(shown("b", range(8, 20), 1, 2))
    run.stop(time.monotonic() + 0.1)
    gate.set()
    assert held(tmp_path) == [{"a"}]


def test_a_stop_gives_the_batch_in_hand_its_time(start, tmp_path):
    gate = threading.Event()
    run = start(Doubler(gate))
    run.add(shown("a", [1, 2, 3]))
    threading.Timer(0.2, gate.set).start()
    run.stop(time.monotonic() + 30)
    assert held(tmp_path) == [{"a"}]


def test_nothing_is_kept_of_a_video_that_is_spoiled(start, tmp_path):
    run = start(Doubler())
    run.add(shown("a", [1, 2, 3], 0, 2))
    run.add(dataclasses.replace(shown("a", [4], 1, 2), spoiled="changed"))
    run.publish()
    row = store.rows(tmp_path / "store")["a"]
    assert (row.count, row.failed, row.reason) == (0, True, "changed")


def test_a_network_that_is_slow_holds_up_its_feeder(start):
    gate = threading.Event()
    run = start(Doubler(gate))
    feeder = threading.Thread(target=lambda: run.add(shown("a", range(60))), daemon=True)
    feeder.start()
    feeder.join(0.3)
    assert feeder.is_alive(), "60 items are 20 batches, of which no more than two may be on their way"
    assert len(run._running) <= MAX_QUEUED + 1
    gate.set()
    feeder.join(10)
    assert not feeder.is_alive()


def test_an_error_of_the_network_is_the_runs_error_and_nothing_is_published(start, tmp_path):
    class Broken(Doubler):
        def embed(self, items):
            raise RuntimeError("a layer is missing")

    run = start(Broken())
    run.add(shown("a", [1, 2, 3, 4]))
    run.publish()
    assert "a layer is missing" in str(run.error)
    assert store.rows(tmp_path / "store") == {}


def test_a_note_on_the_whole_file_is_told_once(start, tmp_path):
    run = start(Doubler())
    for index in range(8):
        notes = [
            "the clock jumps",
            *(["two frames are damaged"] if index != 3 else []),
            *(["cut"] if index > 5 else []),
        ]
        run.add(shown("a", [1], index, 8, "; ".join(notes)))
    run.publish()
    store.forget_scans()
    assert store.rows(tmp_path / "store")["a"].reason == (
        "the clock jumps; parts 1, 2, 3, 5, 6, ...: two frames are damaged; parts 7, 8: cut"
    )


def test_the_notes_of_the_segments_are_those_of_the_video(start, tmp_path):
    run = start(Doubler())
    run.add(shown("a", [], 0, 2, "no frame decodes", failed=True))
    run.add(shown("a", [1], 1, 2))
    run.add(shown("b", [], note="unreadable", failed=True))
    run.publish()
    store.forget_scans()
    rows = store.rows(tmp_path / "store")
    assert (rows["a"].count, rows["a"].failed, rows["a"].reason) == (1, False, "part 1: no frame decodes")
    assert (rows["b"].count, rows["b"].failed, rows["b"].reason) == (0, True, "unreadable")


class Choosy(Doubler):
    """Fails on items below zero."""

    def embed(self, items):
        good = np.flatnonzero(items[:, 0] >= 0)
        faults = {int(at): f"{items[at, 0]:g} is below zero" for at in np.flatnonzero(items[:, 0] < 0)}
        return Embedded(np.concatenate([items[good], 2 * items[good]], axis=1), good, faults=faults)


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_a_fault_of_an_item_is_told_with_its_part_and_fails_a_video_of_which_nothing_is_left(start, tmp_path, device):
    run = start(Choosy(), device=device)
    run.add(shown("a", [1, -2], 0, 2))
    run.add(shown("a", [3], 1, 2))
    run.add(shown("b", [-4]))
    run.publish()
    store.forget_scans()
    rows = store.rows(tmp_path / "store")
    assert (rows["a"].count, rows["a"].failed, rows["a"].reason) == (2, False, "part 1: -2 is below zero")
    assert (rows["b"].count, rows["b"].failed, rows["b"].reason) == (0, True, "-4 is below zero")
    assert kept(tmp_path, "a").values[:, 0].tolist() == [1, 3]


@pytest.mark.parametrize("start", [3], indirect=True)
def test_on_side_threads_batches_are_in_work_at_once_and_their_rows_are_in_order(start, tmp_path):
    """The first batch ends last; the fourth waits for its place, and no fifth is taken."""
    at_work, last = threading.Barrier(4), threading.Event()

    class Slow(Doubler):
        def embed(self, items):
            if items[0, 0] < 9:
                at_work.wait(10)
            if items[0, 0] == 0:
                assert last.wait(10)
            return super().embed(items)

    run = start(Slow())
    feeder = threading.Thread(target=lambda: run.add(shown("a", range(18))), daemon=True)
    feeder.start()
    at_work.wait(10)  # of three batches at once
    feeder.join(0.3)
    assert feeder.is_alive()
    assert len(run._running) == 3 + MAX_QUEUED
    last.set()
    feeder.join(10)
    run.publish()
    assert kept(tmp_path, "a").values[:, 0].tolist() == list(range(18))
