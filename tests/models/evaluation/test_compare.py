import numpy as np
import pytest

from models.evaluation.bootstrap import compare
from models.evaluation.compare import compare_reports
from models.evaluation.metrics import Ranks
from pipeline.errors import TrainingError
from pipeline.reports.report import _ranks_csv
from tests.models.evaluation.test_bootstrap import untied


def write(folder, ranks, seeds=(0,), captions=None):
    """ranks.csv of two captions a video, for each seed the ranks of N captions, or (N,) ranks from 0 without ties."""
    ranks = [one if isinstance(one, Ranks) else untied(np.array([one]))[0] for one in ranks]
    folder.mkdir()
    queries = [
        {
            "video": f"v{number // 2}.mp4",
            "caption": (captions or [f"caption {n}, or so" for n in range(len(ranks[0].mean))])[number],
            "tags": [],
            "ranks": [float(of_seed.mean[number]) + 1 for of_seed in ranks],
            "equal": [int(of_seed.equal[number]) for of_seed in ranks],
        }
        for number in range(len(ranks[0].mean))
    ]
    (folder / "ranks.csv").write_text(_ranks_csv(list(seeds), queries), encoding="utf-8")
    return folder


@pytest.fixture
def ranks():
    chance = np.random.default_rng(0)
    return chance.integers(0, 8, (1, 80)).astype(float), chance.integers(0, 3, (2, 80)).astype(float)


def test_two_reports_are_compared_caption_by_caption(tmp_path, ranks):
    found = compare_reports(write(tmp_path / "a", ranks[0]), write(tmp_path / "b", ranks[1], (0, 1)))
    assert (found["captions"], found["videos"]) == (80, 40)
    expected = compare(untied(ranks[0]), untied(ranks[1]), np.arange(80) // 2, 40)
    assert found["recalls"].keys() == expected.keys()
    for name, difference in expected.items():
        assert found["recalls"][name] == vars(difference)
    assert found["recalls"]["R@1"]["mean"] > 0
    assert found["recalls"]["R@5"]["p"] < 0.01


def test_ties_count_as_in_the_reports(tmp_path):
    chance = np.random.default_rng(1)
    ranks = [Ranks(chance.integers(0, 4, 80), chance.integers(0, 9, 80), np.ones(80, int)) for _ in range(3)]
    found = compare_reports(write(tmp_path / "a", ranks[:1]), write(tmp_path / "b", ranks[1:], (0, 1)))
    for name, difference in compare(ranks[:1], ranks[1:], np.arange(80) // 2, 40).items():
        assert found["recalls"][name] == vars(difference)


def test_a_report_is_as_good_as_itself(tmp_path, ranks):
    same = write(tmp_path / "a", ranks[0])
    for row in compare_reports(same, same)["recalls"].values():
        assert row == {"mean": 0, "low": 0, "high": 0, "p": 1}


def test_equal_captions_of_one_video_are_told_apart_by_their_order(tmp_path):
    same = ["twice"] * 2 + ["other", "more"]
    first = write(tmp_path / "a", [[0.0, 9.0, 9.0, 9.0]], captions=same)
    second = write(tmp_path / "b", [[9.0, 0.0, 9.0, 9.0]], captions=same)
    assert compare_reports(first, second)["captions"] == 4


def test_reports_on_other_captions_are_refused(tmp_path, ranks):
    first, second = write(tmp_path / "a", ranks[0]), write(tmp_path / "b", ranks[0][:, :60])
    with pytest.raises(TrainingError, match="20 of the one and 0 of the other alone"):
        compare_reports(first, second)
