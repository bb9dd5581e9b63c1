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
        """The epoch with the highest geometric mean of R@1, R@5 and R@10; the last one of equals."""
        return max(self.epochs, key=lambda epoch: (epoch.metrics[MONITOR], epoch.epoch))

    def kept(self, selection: str) -> Epoch:
        """The epoch whose weights are kept; `selection` as in `Training.selection`."""
        return self.epochs[-1] if selection == "last" else self.best

    def plain(self) -> list[dict[str, Any]]:
        """The epochs as plain JSON."""
        return [dataclasses.asdict(epoch) for epoch in self.epochs]

    @classmethod
    def parse(cls, plain: list[dict[str, Any]]) -> "History":
        """The history that `plain` was made from."""
        return cls(tuple(Epoch(**epoch) for epoch in plain))

    def write(self, folder: Path) -> None:
        """Writes history.csv in `folder`; replaces an old one atomically."""
        lines = io.StringIO(newline="")
        rows = csv.writer(lines)
        rows.writerow(["epoch", "loss", "learning_rate", *(self.epochs[0].metrics if self.epochs else [])])
        rows.writerows([e.epoch, e.loss, e.learning_rate, *e.metrics.values()] for e in self.epochs)
        atomic.write_bytes(folder / NAME, lines.getvalue().encode())
