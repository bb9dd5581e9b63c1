import math
import time

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from models.training import events as events_module
from models.training.events import NAME, Events
from models.training.history import Epoch


def epochs(*losses):
    return [
        Epoch(number + 1, loss, 0.1 / (number + 1), {"R@1": 10.0 + number, "MdR": 2.5})
        for number, loss in enumerate(losses)
    ]


def shown(folder):
    """Tag -> (step, value) of each point, as TensorBoard itself reads them."""
    read = EventAccumulator(str(folder)).Reload()
    return {tag: [(point.step, point.value) for point in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


def test_tensorboard_shows_every_number_of_every_epoch(tmp_path):
    events = Events(tmp_path, [])
    for epoch in epochs(0.5, 0.25):
        events.add(epoch)
    events.close()
    assert shown(tmp_path) == {
        "loss": [(1, 0.5), (2, 0.25)],
        "learning_rate": [(1, pytest.approx(0.1)), (2, pytest.approx(0.05))],
        "t2v/R@1": [(1, 10.0), (2, 11.0)],
        "t2v/MdR": [(1, 2.5), (2, 2.5)],
    }


def test_an_epoch_is_there_for_others_as_soon_as_it_was_added(tmp_path):
    events = Events(tmp_path, [])
    watched = EventFileLoader(str(tmp_path / NAME))
    assert [event.step for event in watched.Load()] == [0]
    for epoch in epochs(0.5, 0.25):
        events.add(epoch)
        assert [event.step for event in watched.Load()] == [epoch.epoch]
    events.close()


@pytest.mark.parametrize("bytes_lost", [0, 7])
def test_what_a_killed_run_wrote_ahead_of_its_state_is_not_shown_twice(tmp_path, bytes_lost):
    killed = Events(tmp_path, [])
    for epoch in epochs(9.0, 9.0, 9.0):
        killed.add(epoch)
    killed.close()
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes()[: -bytes_lost or None])
    first, *rest = epochs(0.5, 0.25, 0.125)
    resumed = Events(tmp_path, [first])
    for epoch in rest:
        resumed.add(epoch)
    resumed.close()
    assert shown(tmp_path)["loss"] == [(1, 0.5), (2, 0.25), (3, 0.125)]
    assert [one.name for one in tmp_path.iterdir()] == [NAME]


def test_points_have_the_time_when_they_were_written(tmp_path):
    before = time.time()
    events = Events(tmp_path, epochs(math.pi))
    events.close()
    assert all(before <= event.wall_time <= time.time() for event in EventFileLoader(str(tmp_path / NAME)).Load())


def test_tensorboard_has_its_internal_event_and_writer():
    try:
        event, writer = events_module._tensorboard()
    except ImportError as error:
        pytest.fail(
            f"{error.name} is gone: models/training/events.py writes with it; find its new place in TensorBoard"
        )
    assert hasattr(event(), "SerializeToString"), "tensorboard's Event.SerializeToString is gone"
    for name in ("write", "flush", "close"):
        assert hasattr(writer, name), f"tensorboard's RecordWriter.{name} is gone"
