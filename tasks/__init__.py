"""The DAG, as `luigi --module tasks <Task>` finds it."""

from pipeline.processor import prepare_for_networks
from tasks.ablation import AblateExperts
from tasks.compare import CompareRuns
from tasks.data import FetchAnnotations, ImportExperts
from tasks.export import ExportExpert
from tasks.fetching import FetchWeights
from tasks.graph import BuildManifest, EncodeText, EvaluateCE, ExtractExpert, MakeDemo, TrainCE
from tasks.listing import ListExperts
from tasks.mistakes import tell_mistakes_in_one_line
from tasks.own import EstimateExtraction, NewDataset
from tasks.rankings import ShowRankings
from tasks.released import EvaluateReleased
from tasks.results import ResultsTable
from tasks.search import BuildIndex, Search
from tasks.upkeep import CollectGarbage, ForgetFailures, Status
from tasks.usage import explain_tasks_in_help

prepare_for_networks()
tell_mistakes_in_one_line()
explain_tasks_in_help()

__all__ = [
    "AblateExperts",
    "BuildIndex",
    "BuildManifest",
    "CollectGarbage",
    "CompareRuns",
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
    "ShowRankings",
    "Status",
    "TrainCE",
]
