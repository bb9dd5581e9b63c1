"""Writes the history of a training for TensorBoard: one curve for each metric of an epoch."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from models.training.history import Epoch
from pipeline.stores import atomic

NAME = "history.tfevents"
"""TensorBoard reads every file with `tfevents` in its name."""


class Events:
    """Writer of history.tfevents in the folder of a training.

    It starts a new file with the epochs that are `known`, since a killed run may have left half a record, or epochs
    that are trained again. Further epochs are appended to the same file, which TensorBoard keeps open.
    """

    def __init__(self, folder: Path, known: Iterable[Epoch]) -> None:
        self._event, record_writer = _tensorboard()
        partial = atomic.temporary(folder / NAME)
        self._records = record_writer(partial.open("wb"))
        self._records.write(self._event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString())
        for epoch in known:
            self.add(epoch)
        self._records.flush()
        atomic.publish(partial, folder / NAME)

    def add(self, epoch: Epoch) -> None:
        """Appends the loss, the learning rate and the t2v metrics of an epoch; its number is the step."""
        values = {"loss": epoch.loss, "learning_rate": epoch.learning_rate}
        values |= {f"t2v/{name}": value for name, value in epoch.metrics.items()}
        summary = {"value": [{"tag": tag, "simple_value": value} for tag, value in values.items()]}
        event = self._event(wall_time=time.time(), step=epoch.epoch, summary=summary)
        self._records.write(event.SerializeToString())
        self._records.flush()

    def close(self) -> None:
        """Closes the file."""
        self._records.close()


def _tensorboard() -> tuple[Any, Any]:
    """TensorBoard's event message and its writer of records.

    Both are internal to TensorBoard, which has no public writer that leaves the name of the file to its caller.
    Imported at the first use: the import takes a fifth of a second, which only a training should pay for.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    return Event, RecordWriter
