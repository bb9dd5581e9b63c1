"""Task that looks for what can keep the program from working."""

import luigi

from tasks.console.exit_status import end_with
from tasks.console.terminal import print_json, tell
from tasks.dataset_task import RunsEachTime
from tasks.parameters import json_parameter
from tasks.plan.settings import Project


class Doctor(RunsEachTime, luigi.Task):
    """Says what of machine, installation and project is wrong, and what to do about it. Changes nothing.

    It ends with 1 where something is at fault, else with 0. The output names no paths, users or hosts: paste all of it
    into a report of a bug. `python -m tasks Doctor` runs also where luigi itself cannot start.

    With --json: {faults, findings}; each finding has subject, state (fault, note or ok), found and advice.
    """

    keeps_log = False
    needs_project = False

    full = luigi.BoolParameter(description="Also import every library, which takes a minute")
    json = json_parameter()

    def run(self) -> None:
        """Prints the findings, faults first."""
        # What it looks with is nothing that other commands should pay for.
        from tasks.console.diagnosis import FAULTY, print_findings
        from tasks.plan.diagnosis import findings

        found = findings(Project().project, self.full)
        if self.json:
            num_faults = sum(finding.state == "fault" for finding in found)
            print_json({"faults": num_faults, "findings": [vars(finding) for finding in found]})
        else:
            print_findings(found, tell)
        if any(finding.state == "fault" for finding in found):
            end_with(FAULTY)
        self.has_run = True
