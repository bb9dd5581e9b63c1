"""What a run of the tiny project is expected to run: tasks as Project.run lists them."""

from pipeline.stores import store
from tasks import EvaluateCE

MANIFEST = ["BuildManifest"]


BOTH = ["ExtractExpert rgb_light,speech_light"]


RGB = ["ExtractExpert rgb_light"]


TEXT = ["EncodeText"]


TRAIN, EVALUATE = ["TrainCE 0"], ["EvaluateCE test"]


def evaluate(project):
    """Runs EvaluateCE; the tasks that ran."""
    return project.run(EvaluateCE, dataset="tiny")


def num_new_rows(project, expert, before):
    """Number of rows in the parts of an expert that were not there `before`."""
    store.forget_scans()
    return sum(len(store.rows_of(part)) for part in project.feature_parts(expert) if part not in before)
