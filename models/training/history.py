"""The history of a training: loss, learning rate and validation metrics of each epoch."""

import csv
import dataclasses
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.evaluation.metrics import MONITOR
from pipeline.stores import atomic

NAME = "history.csv"


@dataclass(frozen=True)
class Epoch:
    """One pass over the training videos."""

    epoch: int
    """Number of the epoch, from 1; 0: before any training, of a network that starts from frozen scores."""
    loss: float
    """Mean over the training videos."""
    learning_rate: float
    metrics: dict[str, float]
    """Caption-to-video metrics on the split that is evaluated after each epoch."""
    above_start: float | None = None
    """Of a network that starts from frozen scores: low end of the interval of its gain over epoch 0 in the mean of
    1 / rank, on that split; the intervals of all epochs hold with 95 % at once. None: of epoch 0 and other networks."""

    @property
    def may_be_kept(self) -> bool:
        """False where chance could have made all that the epoch is above epoch 0."""
        return self.above_start is None or self.above_start > 0

    def plain(self) -> dict[str, Any]:
        """The epoch as plain JSON, without what it has not."""
        found = dataclasses.asdict(self)
        if self.above_start is None:
            del found["above_start"]
        return found


@dataclass(frozen=True)
class History:
    """All epochs so far."""

    epochs: tuple[Epoch, ...] = ()

    @property
    def trained(self) -> int:
        """Number of passes over the training videos."""
        return self.epochs[-1].epoch if self.epochs else 0

    @property
    def best(self) -> Epoch:
        """The epoch with the highest geometric mean of R@1, R@5, R@10 of those that may be kept; the last of equals."""
        allowed = [epoch for epoch in self.epochs if epoch.may_be_kept]
        return max(allowed, key=lambda epoch: (epoch.metrics[MONITOR], epoch.epoch))

    def kept(self, selection: str) -> Epoch:
        """The epoch whose weights are kept; `selection` as in `Training.selection`."""
        return self.epochs[-1] if selection == "last" else self.best

    def plain(self) -> list[dict[str, Any]]:
        """The epochs as plain JSON."""
        return [epoch.plain() for epoch in self.epochs]

    @classmethod
    def parse(cls, plain: list[dict[str, Any]]) -> "History":
        """The history that `plain` was made from."""
        return cls(tuple(Epoch(**epoch) for epoch in plain))

    def write(self, folder: Path) -> None:
        """Writes history.csv in `folder`; replaces an old one atomically."""
        lines = io.StringIO(newline="")
        rows = csv.writer(lines)
        is_compared = any(epoch.above_start is not None for epoch in self.epochs)
        metrics = list(self.epochs[0].metrics) if self.epochs else []
        rows.writerow(["epoch", "loss", "learning_rate", *metrics, *(["above_start"] if is_compared else [])])
        for e in self.epochs:
            rows.writerow([e.epoch, e.loss, e.learning_rate, *e.metrics.values(), *([e.above_start] * is_compared)])
        atomic.write_bytes(folder / NAME, lines.getvalue().encode())
