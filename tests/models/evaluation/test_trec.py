import json
from types import SimpleNamespace
from urllib.parse import unquote

import ir_measures
import numpy as np
import pytest
from sklearn.metrics import average_precision_score, ndcg_score

from models.evaluation import trec
from models.evaluation.metrics import caption_ranks, same_caption_ranks, summary, video_ranks
from models.evaluation.report_columns import T2V, V2T
from pipeline.datasets.annotations import Caption

NAMES = ["a b.mp4", "ü/ö#1.mp4", "100%.mp4", "c\td.mp4", "e.mp4", "f.mp4", "g.mp4"]


def split(names=NAMES, per_video=3, texts=None):
    """A split of which only names, captions and owners are read."""
    owners = np.repeat(np.arange(len(names)), per_video)
    captions = texts or [f"caption\n{place}" for place in range(len(owners))]
    return of(names, owners, list(map(Caption, captions)))


def of(names, owners, asked):
    """A split with these captions; `owners`: the video of each."""
    return SimpleNamespace(
        collection=SimpleNamespace(caption_video=np.array(owners)),
        videos=[SimpleNamespace(video_id=name) for name in names],
        captions=[caption.text for caption in asked],
        asked=asked,
    )


def distinct(shape, seed=0):
    """Scores of which no two are equal."""
    chance = np.random.default_rng(seed)
    return (chance.permutation(np.prod(shape)).reshape(shape) / 7).astype(np.float32)


def read_run(path):
    return [line.split() for line in path.read_text(encoding="ascii").splitlines()]


def test_the_files_are_read_by_a_library_and_give_our_recalls(tmp_path):
    data = split(texts=["same", *(f"caption {place}" for place in range(19)), "same"])
    scores = {seed: distinct((21, 7), seed) for seed in (0, 3)}
    paths = trec.write(tmp_path, data, scores.items())
    assert {path.name for path in paths} == {path.name for path in tmp_path.iterdir()}
    owners = data.collection.caption_video
    ranks = {
        T2V: lambda matrix: caption_ranks(matrix, owners),
        trec.SAME_CAPTION: lambda matrix: same_caption_ranks(matrix, owners, data.captions),
        V2T: lambda matrix: video_ranks(matrix, owners),
    }
    kept = json.loads((tmp_path / trec.FILE).read_text())["measures"]
    for name, of in ranks.items():
        for place, (seed, matrix) in enumerate(scores.items()):
            ours = summary(of(matrix))
            qrels = list(ir_measures.read_trec_qrels(str(tmp_path / f"{name}.qrels")))
            run = list(ir_measures.read_trec_run(str(tmp_path / f"{name[:3]}.seed_{seed}.run")))
            for k in (1, 5, 10, 50):
                theirs = ir_measures.calc_aggregate([ir_measures.Success @ k], qrels, run)[ir_measures.Success @ k]
                assert theirs == pytest.approx(ours[f"R@{k}"] / 100, abs=1e-9)
                assert kept[name][f"Success@{k}"]["seeds"][place] == pytest.approx(theirs, abs=1e-12)
    assert "same" in (tmp_path / trec.CAPTIONS).read_text()


def test_ndcg_map_and_mrr_are_those_of_scikit_learn_and_of_the_ranks(tmp_path):
    data, matrix = split(), distinct((21, 7), 5)
    trec.write(tmp_path, data, [(0, matrix)])
    kept = {
        name: {key: one["mean"] for key, one in of.items()}
        for name, of in json.loads((tmp_path / trec.FILE).read_text())["measures"].items()
    }
    right = data.collection.caption_video[:, None] == np.arange(7)
    for name, truth, found in ((T2V, right, matrix), (V2T, right.T, matrix.T)):
        assert kept[name]["nDCG@10"] == pytest.approx(ndcg_score(truth, found, k=10), abs=1e-9)
        precisions = [average_precision_score(*row) for row in zip(truth, found, strict=True)]
        assert kept[name]["MAP"] == pytest.approx(np.mean(precisions), abs=1e-9)
    first = caption_ranks(matrix, data.collection.caption_video).mean + 1
    assert kept[T2V]["MRR"] == pytest.approx(np.mean(1 / first), abs=1e-9)


def test_every_field_is_without_blanks_and_names_can_be_read_back(tmp_path):
    trec.write(tmp_path, split(), [(0, distinct((21, 7)))])
    rows = read_run(tmp_path / "t2v.seed_0.run")
    assert {len(row) for row in rows} == {6}
    assert {unquote(row[2], errors="surrogateescape") for row in rows} == set(NAMES)
    assert [row[0] for row in rows[:15:7]] == ["a%20b.mp4#0", "a%20b.mp4#1", "a%20b.mp4#2"]
    assert len({row[0] for row in rows}) == 21
    assert all(line.count("\t") == 1 for line in (tmp_path / trec.CAPTIONS).read_text().splitlines())


def test_equal_scores_stand_in_the_order_of_trec_while_ours_are_means(tmp_path):
    """All equal: trec_eval puts the last name first; ours is chance. The library is asked with lines in any order."""
    data = split(["a", "b", "c"], 1)
    trec.write(tmp_path, data, [(0, np.zeros((3, 3), np.float32))])
    rows = read_run(tmp_path / "t2v.seed_0.run")
    assert [row[2] for row in rows[:3]] == ["c", "b", "a"]
    kept = json.loads((tmp_path / trec.FILE).read_text())["measures"]["t2v"]
    run = {query: dict.fromkeys("abc", 0.0) for query in ("a#0", "b#0", "c#0")}
    theirs = trec.measures(run, {f"{name}#0": {name: 1} for name in "abc"})
    assert theirs["c#0"]["MRR"] == 1
    assert theirs["a#0"]["MRR"] == pytest.approx(1 / 3)
    assert kept["MRR"]["mean"] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert summary(caption_ranks(np.zeros((3, 3), np.float32), np.arange(3)))["R@1"] == pytest.approx(100 / 3)


def test_a_run_is_cut_and_what_stands_below_is_not_found(tmp_path):
    data, matrix = split(), distinct((21, 7))
    trec.write(tmp_path, data, [(0, matrix)], depth=2)
    rows = read_run(tmp_path / "t2v.seed_0.run")
    assert len(rows) == 42
    assert [row[3] for row in rows[:4]] == ["1", "2", "1", "2"]
    first = caption_ranks(matrix, data.collection.caption_video).mean + 1
    expected = np.mean(np.where(first <= 2, 1 / first, 0))
    found = json.loads((tmp_path / trec.FILE).read_text())["measures"]["t2v"]["MRR"]["mean"]
    assert found == pytest.approx(expected, abs=1e-9)


def test_scores_are_read_back_exactly_and_the_same_twice(tmp_path):
    scores = np.random.default_rng(1).normal(size=(21, 7)).astype(np.float32)
    for folder in ("one", "two"):
        trec.write(tmp_path / folder, split(), [(0, scores)])
    one, two = (sorted((tmp_path / folder).iterdir()) for folder in ("one", "two"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    rows = read_run(tmp_path / "one" / "t2v.seed_0.run")
    assert sorted(np.float32(row[4]) for row in rows) == sorted(scores.ravel())


def test_queries_are_taken_some_at_a_time_with_the_same_result(tmp_path, monkeypatch):
    for folder, size in (("one", 512), ("two", 4)):
        monkeypatch.setattr(trec, "_CHUNK", size)
        trec.write(tmp_path / folder, split(), [(0, distinct((21, 7)))])
    one, two = (sorted((tmp_path / folder).iterdir()) for folder in ("one", "two"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


GRADES = {"q 1": {0: 3, 2: 1, 4: 2}, "q/2": {1: 1}, "q3": {0: 1, 1: 2}}
"""Query -> video -> grade; of seven videos two answer none."""


def graded(with_ids):
    """The same judgments as captions of videos: those of a video stand together."""
    rows = [(video, query, grade) for query, judged in GRADES.items() for video, grade in judged.items()]
    rows.sort(key=lambda row: row[0])
    asked = [Caption(f"text of {q}", id=q if with_ids else "", grade=grade) for _, q, grade in rows]
    return of(NAMES, [video for video, *_ in rows], asked)


def of_graded(data):
    """Scores of which those of a query are the same, of whichever of its videos it is a caption."""
    by_text = dict(zip([f"text of {query}" for query in GRADES], distinct((3, 7), 8), strict=True))
    return np.stack([by_text[text] for text in data.captions])


@pytest.mark.parametrize("with_ids", [True, False])
def test_each_query_counts_once_with_the_grades_of_all_its_videos(with_ids, tmp_path):
    """nDCG by its formula and by scikit-learn, with the grade as the gain; MAP of what has any grade."""
    data = graded(with_ids)
    matrix = of_graded(data)
    trec.write(tmp_path, data, [(0, matrix)])
    kept = json.loads((tmp_path / trec.FILE).read_text())["measures"][trec.GRADED]
    truth = np.array([[judged.get(video, 0) for video in range(7)] for judged in GRADES.values()])
    scores = np.stack([matrix[data.captions.index(f"text of {query}")] for query in GRADES])
    assert kept["nDCG@10"]["mean"] == pytest.approx(ndcg_score(truth, scores, k=10), abs=1e-9)
    discounts = 1 / np.log2(np.arange(2, 9))
    gained = np.take_along_axis(truth, np.argsort(-scores, axis=1), 1) @ discounts
    assert kept["nDCG@10"]["mean"] == pytest.approx(np.mean(gained / (-np.sort(-truth, axis=1) @ discounts)), abs=1e-9)
    precisions = [average_precision_score(*row) for row in zip(truth > 0, scores, strict=True)]
    assert kept["MAP"]["mean"] == pytest.approx(np.mean(precisions), abs=1e-9)


def test_queries_have_the_names_of_their_owners_so_that_others_qrels_fit(tmp_path):
    trec.write(tmp_path, graded(with_ids=True), [(0, of_graded(graded(with_ids=True)))])
    theirs = [
        ir_measures.Qrel(query.replace(" ", "%20"), trec.name_of(NAMES[video]), grade)
        for query, judged in GRADES.items()
        for video, grade in judged.items()
    ]
    assert sorted(ir_measures.read_trec_qrels(str(tmp_path / "t2v_graded.qrels"))) == sorted(theirs)
    run = list(ir_measures.read_trec_run(str(tmp_path / "t2v_graded.seed_0.run")))
    kept = json.loads((tmp_path / trec.FILE).read_text())["measures"][trec.GRADED]
    measure = ir_measures.nDCG @ 10
    assert ir_measures.calc_aggregate([measure], theirs, run)[measure] == pytest.approx(kept["nDCG@10"]["mean"])
    texts = dict(line.split("\t") for line in (tmp_path / trec.CAPTIONS).read_text().splitlines())
    assert {query: texts[query] for query in ("q%201", "q/2", "q3")} == {
        "q%201": "text of q 1", "q/2": "text of q/2", "q3": "text of q3",
    }  # fmt: skip


def test_without_grades_and_shared_queries_there_is_no_further_run(tmp_path):
    ids = [Caption("same", id=str(place)) for place in range(7)]
    assert set(trec.listings(of(NAMES, range(7), ids))) == {T2V, V2T}
    assert set(trec.listings(split(texts=["same"] * 21))) == {T2V, V2T}


def test_a_video_without_captions_is_found_and_does_not_ask(tmp_path):
    data, matrix = of([*NAMES, "rest.mp4"], range(7), [Caption(str(place)) for place in range(7)]), distinct((7, 8))
    trec.write(tmp_path, data, [(0, matrix)])
    assert len(read_run(tmp_path / "v2t.seed_0.run")) == 49
    assert len(read_run(tmp_path / "t2v.seed_0.run")) == 56
    kept = json.loads((tmp_path / trec.FILE).read_text())["measures"]
    ranks = video_ranks(matrix, np.arange(7))
    assert kept[V2T]["Success@5"]["mean"] == pytest.approx(summary(ranks)["R@5"] / 100, abs=1e-9)
