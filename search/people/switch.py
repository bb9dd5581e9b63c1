"""The command that switches people on or off, or deletes what is known of them, without a browser."""

from typing import Literal

from pipeline.errors import PipelineError
from pipeline.project import Project
from search.index import folder
from search.people import names
from search.people.people import People

Action = Literal["on", "off", "delete"]


def switch(place: Project, dataset: str, action: Action) -> str:
    """Does it for one dataset; returns what was done. PipelineError without an index, or an expert that sees faces."""
    parent = place.store / "index" / dataset
    current = folder.current(parent)
    if current is None:
        if action == "delete" and (parent / names.FILE).is_file():
            names.delete(parent / names.FILE)  # also where the index is gone, or the file damaged
            return f"{dataset}: people are off, and all names are deleted"
        raise PipelineError(
            f"{dataset}: no index in {parent}; make it: luigi --module tasks BuildIndex --dataset {dataset}"
        )
    people = People(current, folder.read_facts(current))
    if action == "delete":
        people.delete()
        return f"{dataset}: people are off, and all names are deleted"
    people.switch(action == "on")
    if action == "on":
        return f"{dataset}: people are on; name them in the browser: python -m search --dataset {dataset}"
    return f"{dataset}: people are off; names are kept in {people.file}"
