"""The DAG, as `luigi --module tasks <Task>` finds it."""

from tasks.ablation import AblateExperts
from tasks.graph import BuildManifest, EncodeText, EvaluateCE, ExtractExpert, MakeDemo, TrainCE
from tasks.terminal import tell_mistakes_in_one_line
from tasks.upkeep import CollectGarbage, ForgetFailures, Status

tell_mistakes_in_one_line()

__all__ = [
    "AblateExperts",
    "BuildManifest",
    "CollectGarbage",
    "EncodeText",
    "EvaluateCE",
    "ExtractExpert",
    "ForgetFailures",
    "MakeDemo",
    "Status",
    "TrainCE",
]
