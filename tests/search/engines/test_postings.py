import random

import numpy as np

from search.engines.postings import Postings, summed

EXPERTS = ("speech", "ocr", "signs")


def documents(rng) -> list[tuple[int, str, float]]:
    """Of one word, best first, as a search in documents of several experts finds them."""
    found = [(video, expert, rng.random()) for video in range(9) for expert in EXPERTS if rng.random() < 0.4]
    return sorted(found, key=lambda one: -one[2])


def one_by_one(words, weights):
    """The same sums as the columns give, document by document."""
    scores, coverages = {}, {}
    for found in words:
        of_word = {}
        for video, expert, score in found:
            weight = weights.get(expert, 1.0)
            if weight > 0:
                before, covered = of_word.get(video, (0.0, 0.0))
                of_word[video] = before + score * weight, max(covered, min(1.0, weight) / len(words))
        for video, (score, covered) in of_word.items():
            scores[video] = scores.get(video, 0.0) + score
            coverages[video] = coverages.get(video, 0.0) + covered
    return {video: (scores[video], coverages[video]) for video in sorted(scores)}


def test_the_sums_are_to_the_bit_those_of_documents_taken_one_by_one():
    rng = random.Random(2)
    for _ in range(200):
        words = [documents(rng) for _ in range(rng.randrange(5))]
        weights = {expert: rng.choice((0.0, 0.3, 1.0, 1.7)) for expert in EXPERTS[: rng.randrange(4)]}
        videos, scores, coverages = summed([Postings.of(one).weighted(weights, len(words)) for one in words])
        pairs = zip(scores.tolist(), coverages.tolist(), strict=True)
        assert dict(zip(videos.tolist(), pairs, strict=True)) == one_by_one(words, weights)


def test_a_word_that_nobody_says_has_no_documents():
    nothing = Postings.of([])
    assert len(nothing) == 0
    assert [column.tolist() for column in nothing.weighted({"speech": 0.5}, 2)] == [[], [], []]
    assert [column.tolist() for column in summed([])] == [[], [], []]


def test_an_expert_that_does_not_count_finds_no_video():
    found = Postings.of([(3, "speech", 2.0), (1, "ocr", 1.0)])
    videos, scores, coverages = found.weighted({"speech": 0.0}, 1)
    assert (videos.tolist(), scores.tolist(), coverages.tolist()) == ([1], [1.0], [1.0])
    assert videos.dtype == np.int64
