"""The tasks of the DAG, as `luigi --module tasks <Task>` finds them."""

# ruff: noqa: E402 - the first thing to happen is no import of theirs

import sys

from pipeline.running import stopping

# What follows takes a second, in which a run may be stopped too.
stopping.install()

from pipeline.running.cpu import without_collection
from tasks.console import broken

# Imports make a hundred thousand objects and no garbage: to look for some meanwhile took a tenth of the start.
try:
    with without_collection():
        import pydantic  # noqa: F401 - of which decode workers have none, so that configs import it when they are read

        from tasks.ablation import AblateExperts
        from tasks.compare import CompareRuns
        from tasks.console.startup import prepare_process
        from tasks.doctor import Doctor
        from tasks.evaluation import EvaluateCE
        from tasks.export import ExportExpert
        from tasks.extraction import EncodeLabels, EncodeText, ExtractExpert
        from tasks.fetch_weights import FetchWeights
        from tasks.known_datasets import FetchAnnotations, ImportExperts
        from tasks.list_experts import ListExperts
        from tasks.maintenance import CollectGarbage, ForgetFailures, Status
        from tasks.manifest import BuildManifest, MakeDemo
        from tasks.new_dataset import EstimateExtraction, NewDataset
        from tasks.rankings import ShowRankings
        from tasks.released import EvaluateReleased
        from tasks.results_table import ResultsTable
        from tasks.search import BuildIndex, Search
        from tasks.search_folder import SearchFolder
        from tasks.training import TrainCE
except broken.CAUSES as error:
    # Whoever types `python -m tasks` is told what is missing; luigi's own command may end before this line.
    status = broken.exit_status(error, sys.argv[1:])
    if status is None:
        raise
    raise SystemExit(status) from None

prepare_process()

__all__ = [
    "AblateExperts",
    "BuildIndex",
    "BuildManifest",
    "CollectGarbage",
    "CompareRuns",
    "Doctor",
    "EncodeLabels",
    "EncodeText",
    "EstimateExtraction",
    "EvaluateCE",
    "EvaluateReleased",
    "ExportExpert",
    "ExtractExpert",
    "FetchAnnotations",
    "FetchWeights",
    "ForgetFailures",
    "ImportExperts",
    "ListExperts",
    "MakeDemo",
    "NewDataset",
    "ResultsTable",
    "Search",
    "SearchFolder",
    "ShowRankings",
    "Status",
    "TrainCE",
]
