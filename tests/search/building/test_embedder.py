import numpy as np
import pytest

from models.evaluation.evaluate import similarities
from models.training.checkpoint import load_model
from models.zero_shot.aligned import collected
from search import Collection
from tasks import BuildIndex
from tasks.plan.plan import load_plan
from tasks.plan.settings import Paths
from tests.tasks.aligned_project import add_aligned
from tests.tasks.labelled_project import add_labels
from tests.tasks.project import Project

pytestmark = pytest.mark.slow  # the fixture extracts, trains and builds an index


@pytest.fixture(scope="module")
def residual(tmp_path_factory):
    """An index by a network that starts from a text tower and from label words, the network, and the test split."""
    project = Project(tmp_path_factory.mktemp("residual") / "project").make()
    add_labels(project)
    add_aligned(project, ("rgb_light", "speech_light", "things", "tint"))
    project.edit("models", "tiny", architecture__head="residual", training__learning_rate=0.1)
    project.edit("models", "tiny", training__selection="last")  # gates that are not 0
    project.run(BuildIndex, dataset="tiny")
    with project.process():
        plan = load_plan(Paths().layout, "tiny")
        network = load_model(plan.train_folder(0))
        split = collected(plan.sources(), network.settings, plan.label_words.sources(), "test")
    return Collection.open("tiny", project.data, project.configs), network, split


def test_a_query_scores_the_videos_as_the_network_does(residual):
    collection, network, split = residual
    assert {one.name for one in network.aligned} == {"things", "tint"}
    assert network.gates.weight.abs().max() > 0
    expected = similarities(network, split.collection)
    rows = [collection.row(video.video_id) for video in split.videos]
    for caption, scores in zip(split.captions, expected, strict=True):
        found = collection.experts.videos.scores(collection.experts.query(caption))
        assert found[rows] == pytest.approx(scores, abs=1e-5)


def test_what_the_experts_add_sums_to_the_score_and_so_do_those_of_a_moment(residual):
    experts = residual[0].experts
    query = experts.query("a red square on the left")
    scores = experts.videos.scores(query)
    for row in range(len(scores)):
        shares = experts.videos.shares(query, row)
        assert sum(share or 0 for share in shares.values()) == pytest.approx(scores[row], abs=1e-5)
        assert shares["things"] is not None and shares["tint"] is not None
    of_moments = experts.moments.shares_of(query, slice(0, 5)).sum(axis=1)
    assert of_moments == pytest.approx(experts.moments.scores(query)[:5], abs=1e-5)


def test_a_video_of_one_moment_is_its_moment(residual):
    experts = residual[0].experts
    assert len(experts.moments) == len(experts.videos), "clips of a second, moments of two"
    for of_video, of_moment in zip(experts.videos.vectors, experts.moments.vectors, strict=True):
        assert np.asarray(of_moment) == pytest.approx(np.asarray(of_video), abs=1e-5)


def test_what_is_not_wanted_is_taken_off_by_half(residual):
    experts = residual[0].experts
    wanted, unwanted = (experts.query(text) for text in ("a red square", "hello"))
    both = experts.query("a red square", unwanted=["hello"])
    for left, plus, minus in zip(both.vectors, wanted.vectors, unwanted.vectors, strict=True):
        assert left == pytest.approx(plus - 0.5 * minus, abs=1e-6)


def test_a_video_is_most_similar_to_itself(residual):
    collection = residual[0]
    for row in (0, 5):
        scores = collection.experts.videos.scores(collection.experts.similar(row, {}))
        assert scores[row] >= scores.max() - 1e-3
