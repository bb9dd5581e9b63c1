"""What happened in a training, epoch by epoch."""

import csv
import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "history.csv"
MONITOR = "geometric_mean"


@dataclass(frozen=True)
class Epoch:
    """One pass over the training videos."""

    epoch: int
    """From 1."""
    loss: float
    """Mean over the videos."""
    learning_rate: float
    metrics: dict[str, float]
    """Of the split that is watched, captions to videos."""


@dataclass(frozen=True)
class History:
    """All epochs so far."""

    epochs: tuple[Epoch, ...] = ()

    @property
    def best(self) -> Epoch:
        """The highest geometric mean of R@1, R@5 and R@10, the last such epoch."""
        return max(self.epochs, key=lambda epoch: (epoch.metrics[MONITOR], epoch.epoch))

    def kept(self, selection: str) -> Epoch:
        """The epoch whose weights are kept."""
        return self.epochs[-1] if selection == "last" else self.best

    def plain(self) -> list[dict[str, Any]]:
        """As JSON keeps it."""
        return [dataclasses.asdict(epoch) for epoch in self.epochs]

    @classmethod
    def parse(cls, plain: list[dict[str, Any]]) -> "History":
        """What `plain` gave."""
        return cls(tuple(Epoch(**epoch) for epoch in plain))

    def write(self, folder: Path) -> None:
        """Replaces history.csv in `folder` at once."""
        partial = folder / f".{NAME}.{os.getpid()}.partial"
        with partial.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["epoch", "loss", "learning_rate", *(self.epochs[0].metrics if self.epochs else [])])
            rows.writerows([e.epoch, e.loss, e.learning_rate, *e.metrics.values()] for e in self.epochs)
        partial.replace(folder / NAME)
