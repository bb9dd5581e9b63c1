"""The history of a training as TensorBoard shows it: one curve for each number of an epoch."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

from models.training.history import Epoch

NAME = "history.tfevents"
"""TensorBoard takes every file with `tfevents` in its name for one of its own."""


class Events:
    """history.tfevents in a training's folder, open until the training ends.

    It begins with the epochs that are known, in place of what an earlier run left there: a killed one may have written
    epochs that are then done again, or half of a record. Further epochs are added at the end, where TensorBoard, which
    keeps the file open, finds them.
    """

    def __init__(self, folder: Path, known: Iterable[Epoch]) -> None:
        # A fifth of a second: a program that trains nothing does not pay for it.
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._event = Event
        partial = folder / f".{NAME}.{os.getpid()}.partial"
        self._records = RecordWriter(partial.open("wb"))
        self._records.write(Event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString())
        for epoch in known:
            self.add(epoch)
        self._records.flush()
        partial.replace(folder / NAME)

    def add(self, epoch: Epoch) -> None:
        """Appends the epoch as the step of its number: loss, learning rate, and t2v of the split that is watched."""
        values = {"loss": epoch.loss, "learning_rate": epoch.learning_rate}
        values |= {f"t2v/{name}": value for name, value in epoch.metrics.items()}
        summary = {"value": [{"tag": tag, "simple_value": value} for tag, value in values.items()]}
        event = self._event(wall_time=time.time(), step=epoch.epoch, summary=summary)
        self._records.write(event.SerializeToString())
        self._records.flush()

    def close(self) -> None:
        """Ends the writing; the file stays."""
        self._records.close()
