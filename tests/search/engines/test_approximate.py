import numpy as np
import pytest

from search.engines import approximate
from search.engines.approximate import Approximate
from search.index.vectors import Query, Vectors, load, save

NUM, DIM, EXPERTS = 30_000, 16, ("look", "sound", "words")


def unit(values: np.ndarray) -> np.ndarray:
    return (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Vectors:
    """Videos of 300 topics; one in three has no words, one in ten no sound."""
    rng = np.random.default_rng(0)
    topic = rng.integers(300, size=NUM)
    of = [unit(rng.normal(size=(300, DIM))[topic] + 0.5 * rng.normal(size=(NUM, DIM))) for _ in EXPERTS]
    present = np.stack([np.ones(NUM, bool), rng.random(NUM) > 0.1, rng.random(NUM) > 0.33], 1)
    folder = tmp_path_factory.mktemp("vectors")
    save(folder, EXPERTS, of, present)
    return load(folder, EXPERTS)


@pytest.fixture(scope="module")
def index(videos, tmp_path_factory) -> Approximate:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(approximate, "SMALLEST", 2000)  # so that there are several groups, and a rest
        folder = tmp_path_factory.mktemp("approximate") / "made"
        approximate.build(folder, videos)
    return Approximate(folder)


def queries(videos: Vectors, count: int = 100) -> list[Query]:
    """Blurred videos, with weights as captions have them."""
    rng = np.random.default_rng(1)
    rows = rng.integers(len(videos), size=count)
    return [
        Query(
            tuple(unit(of[row] + 0.5 * unit(rng.normal(size=DIM))) for of in videos.vectors),
            rng.dirichlet(np.ones(3)).astype(np.float32),
        )
        for row in rows
    ]


def recall(videos: Vectors, index: Approximate, asked: list[Query], allowed: np.ndarray) -> float:
    """Of the ten best by exact scores."""
    shares = []
    for query in asked:
        scores = np.where(allowed, videos.scores(query), -2)
        best = np.argsort(-scores)[:10]
        rows = index.candidates(query, 200, allowed)
        found = rows[np.argsort(-videos.scores_of(query, rows))[:10]]
        shares.append(len(np.intersect1d(best, found)) / 10)
    return float(np.mean(shares))


def test_nearly_all_of_the_ten_best_are_found(videos, index):
    assert recall(videos, index, queries(videos), np.ones(NUM, bool)) >= 0.99


def test_nearly_all_are_found_when_an_expert_is_left_out(videos, index):
    asked = [query.weighted(np.array([1, 0, 1], np.float32)) for query in queries(videos)]
    assert recall(videos, index, asked, np.ones(NUM, bool)) >= 0.99


def test_a_filter_is_kept(videos, index):
    allowed = np.random.default_rng(2).random(NUM) < 0.5
    (query, *_) = asked = queries(videos, 50)
    assert allowed[index.candidates(query, 200, allowed)].all()
    assert recall(videos, index, asked, allowed) >= 0.99
