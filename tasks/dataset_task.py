"""Base classes of the tasks: what they share of parameters, plan, and output at the end of a run."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import luigi

from pipeline.errors import DamagedError
from pipeline.stores import claimant, claims, damage, places
from pipeline.stores.atomic import exclusive
from tasks.console.luigi_internals import typed_task
from tasks.console.terminal import say
from tasks.plan.plan import Plan, load_plan
from tasks.plan.settings import Engine, Partial, Paths
from tasks.plan.targets import LockedTarget

DATASET_HELP = "Name of a file in configs/datasets/, without .yaml"
MODEL_HELP = "Name of a file in configs/models/; by default the one that the dataset names"
EXPERTS_HELP = "Names of files in configs/experts/, with commas between; by default those of the model"
SEEDS_HELP = "Random seeds, with commas between, e.g. 0,1,2; by default those of the model"


MAX_REMADE = 20
"""A disk that damages what is written again and again must not keep a run busy for ever."""


def remakes_damaged(run: Callable[[Any], None]) -> Callable[[Any], Iterator[list[luigi.Task]] | None]:
    """The method `run` of a task, which no other process runs at once; damaged inputs are made anew on the way.

    Some damage is only seen when an array is read. The damaged result is then set aside, and what the task requires is
    given to Luigi as new dependencies: it runs those that are incomplete now, and then this task again.
    """

    @functools.wraps(run)
    def run_or_remake(task: Any) -> Iterator[list[luigi.Task]] | None:
        try:
            _run_alone(task, run)
            return None
        except DamagedError as error:
            return _remake(task, run_or_remake, error)

    return run_or_remake


def _run_alone(task: Any, run: Callable[[Any], None]) -> None:
    """Runs a task, unless another run has just made what it makes; one that does so now is waited for.

    Two that write one result at once would take each other's files for damaged.
    """
    target = task.output()
    folder = target.lock if isinstance(target, LockedTarget) else None
    if folder is None:
        run(task)
        return
    others: list[str] = []

    def wait() -> None:
        if not others:
            say(f"Another run makes the same {task.task_family} now, and this one waits for it")
        others.append(task.task_family)

    with _no_other_host(folder, wait), exclusive(folder, wait):
        place = places.place_of(folder)
        place.refresh()  # in object storage, another host may have made it since this run was planned
        if not ((others or place.is_remote) and task.complete()):
            run(task)


@contextmanager
def _no_other_host(folder: Path, wait: Callable[[], None]) -> Iterator[None]:
    """A claim where many hosts may work on one store, since not all locks reach that far.

    So it is with [Engine] name = claims, and in object storage.
    """
    engine, store = Engine(), Paths().layout.store
    if engine.name != "claims" and not places.place_of(store).is_remote:
        yield
        return
    where = folder.relative_to(store) if folder.is_relative_to(store) else folder
    name = f"tasks/{'-'.join(part for part in where.parts if part != where.anchor)}"
    with claimant.exclusive(claims.claims_of(store), name, engine.options().expiry_s, wait):
        yield


def _remake(task: Any, run: Callable[[Any], Any], error: DamagedError) -> Iterator[list[luigi.Task]]:
    task.num_remade = getattr(task, "num_remade", 0) + 1
    if task.num_remade > MAX_REMADE:
        raise error
    say(damage.set_aside(error, Paths().layout.store))
    yield luigi.task.flatten(task.requires())
    yield from run(task) or ()  # reached at once where nothing that is required is incomplete


class RunsEachTime:
    """Mixin for a task without output: it runs each time that it is typed, and is complete once it has run."""

    has_run = False
    keeps_log = True
    """Whether its run is worth a log: false where it only looks."""

    def complete(self) -> bool:
        """Whether it has run in this process."""
        return self.has_run


class DatasetTask(luigi.Task):
    """A task on one dataset."""

    dataset = luigi.Parameter(description=DATASET_HELP)

    @property
    def plan(self) -> Plan:
        """What the dataset and its default model select, what is there of it, and where results lie."""
        return load_plan(Paths().layout, self.dataset, allow_partial=Partial().allow_partial)

    def print_result(self) -> None:
        """Prints the result at the end of a run in which this task was typed; by default nothing."""

    @property
    def is_typed(self) -> bool:
        """Whether this is the task that was typed, not one that it requires."""
        return typed_task() == self


class ModelTask(DatasetTask):
    """A task on one dataset with one model."""

    model = luigi.Parameter(default="", description=MODEL_HELP)
    experts = luigi.Parameter(default="", description=EXPERTS_HELP)

    @property
    def plan(self) -> Plan:
        """As for a DatasetTask, with the selected model and experts."""
        return load_plan(Paths().layout, self.dataset, self.model, self.experts, Partial().allow_partial)


@DatasetTask.event_handler(luigi.Event.DEPENDENCY_PRESENT)
def _report_complete(task: DatasetTask) -> None:
    if task.is_typed:
        say("Nothing to do: all of it is there, made from what is there now")
        task.print_result()


@DatasetTask.event_handler(luigi.Event.SUCCESS)
def _report_success(task: DatasetTask) -> None:
    if task.is_typed:
        task.print_result()
