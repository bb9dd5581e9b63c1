"""What tasks on a dataset share: their parameters, their plan, and what is said at the end of a run."""

import luigi
from luigi.cmdline_parser import CmdlineParser

from tasks.console.terminal import say
from tasks.plan.plan import Plan, plan
from tasks.plan.settings import Partial, Paths

DATASET = "Name of a file in configs/datasets/, without .yaml"
MODEL = "Name of a file in configs/models/; by default the one that the dataset names"
EXPERTS = "Names of files in configs/experts/, with commas between; by default those of the model"
SEEDS = "Random seeds, with commas between, e.g. 0,1,2; by default those of the model"


class DatasetTask(luigi.Task):
    """A task on one dataset."""

    dataset = luigi.Parameter(description=DATASET)

    @property
    def plan(self) -> Plan:
        """What it depends on, where its result lies, and whether that is there."""
        return plan(Paths().layout, self.dataset, allow_partial=Partial().allow_partial)

    def closing(self) -> None:
        """What is said at the end of a run of this task."""

    @property
    def was_asked_for(self) -> bool:
        """Whether this is the task that was typed, not one that it needs."""
        parser = CmdlineParser.get_instance()
        return parser is not None and parser.get_task_obj() == self


class ModelTask(DatasetTask):
    """A task on one dataset with one model."""

    model = luigi.Parameter(default="", description=MODEL)
    experts = luigi.Parameter(default="", description=EXPERTS)

    @property
    def plan(self) -> Plan:
        """As for a DatasetTask, with the model and the experts that were chosen."""
        return plan(Paths().layout, self.dataset, self.model, self.experts, Partial().allow_partial)


@DatasetTask.event_handler(luigi.Event.DEPENDENCY_PRESENT)
def _tell_that_it_is_there(task: DatasetTask) -> None:
    if task.was_asked_for:
        say("Nothing to do: all of it is there, made from what is there now")
        task.closing()


@DatasetTask.event_handler(luigi.Event.SUCCESS)
def _tell_the_result(task: DatasetTask) -> None:
    if task.was_asked_for:
        task.closing()
