import dataclasses
import threading

import numpy as np
import pytest

from extractors.base import Embedded
from extractors.extraction.expert_run import MAX_QUEUED, ExpertRun, SegmentResult, Wanted
from extractors.extraction.network_thread import NetworkThread
from extractors.extraction.views import Prepared
from pipeline.stores import parts, store
from tests.extractors.run_experts import OPTIONS, named

DIM = 2


class Doubler:
    """Its features of an item are the item and twice the item."""

    dim = DIM

    def __init__(self, gate=None):
        self.sizes = []
        self.gate = gate

    def load(self, device):
        pass

    def embed(self, items):
        if self.gate:
            assert self.gate.wait(10)
        self.sizes.append(len(items))
        return Embedded.one_per_item(np.concatenate([items, 2 * items], axis=1))

    def finish(self, features):
        return features


@pytest.fixture
def start(tmp_path):
    """A run of an expert in batches of three."""
    networks = NetworkThread()

    def run(extractor, **options):
        expert = dataclasses.replace(named("rgb_light", batch_size=3), extractor=extractor)
        wanted = Wanted(expert, tmp_path / "store", frozenset())
        return ExpertRun(wanted, dataclasses.replace(OPTIONS, **options), networks)

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


def test_batches_are_full_across_videos_and_each_video_gets_its_own_rows(start, tmp_path):
    extractor = Doubler()
    run = start(extractor)
    for outcome in (shown("a", [1, 2]), shown("b", []), shown("c", [3, 4, 5, 6, 7])):
        run.add(outcome)
    run.close()
    assert run.error is None
    assert extractor.sizes == [3, 3, 1]
    assert kept(tmp_path, "a").values.tolist() == [[1, 2], [2, 4]]
    assert kept(tmp_path, "b").values.shape == (0, DIM)
    assert kept(tmp_path, "c").values[:, 0].tolist() == [3, 4, 5, 6, 7]
    assert kept(tmp_path, "c").times_s[:, 0].tolist() == [0, 1, 2, 3, 4]


def test_a_part_ends_its_batches_so_that_the_next_one_does_not_depend_on_it(start, tmp_path):
    extractor = Doubler()
    run = start(extractor, videos_per_part=1)
    run.add(shown("a", [1, 2, 3, 4]))
    assert kept(tmp_path, "a").values[:, 0].tolist() == [1, 2, 3, 4]
    run.add(shown("b", [5]))
    assert extractor.sizes == [3, 1, 1]


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
    run.close()
    assert "a layer is missing" in str(run.error)
    assert store.rows(tmp_path / "store") == {}


def test_the_notes_of_the_segments_are_those_of_the_video(start, tmp_path):
    run = start(Doubler())
    run.add(shown("a", [], 0, 2, "no frame decodes", failed=True))
    run.add(shown("a", [1], 1, 2))
    run.add(shown("b", [], note="unreadable", failed=True))
    run.close()
    store.rows_of.cache_clear()
    rows = store.rows(tmp_path / "store")
    assert (rows["a"].count, rows["a"].failed, rows["a"].reason) == (1, False, "part 1: no frame decodes")
    assert (rows["b"].count, rows["b"].failed, rows["b"].reason) == (0, True, "unreadable")
