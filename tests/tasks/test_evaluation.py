import json
import math

import numpy as np
import pytest

from pipeline.reports.report import below_untrained
from tasks import BuildManifest, EncodeText, EvaluateCE, ExtractExpert, TrainCE
from tasks.plan.plan import load_plan
from tasks.plan.settings import Paths
from tasks.plan.status import status
from tests.clips import make_clip
from tests.pipeline.datasets.readers import sample_files
from tests.tasks.aligned_project import add_aligned, add_misleading
from tests.tasks.labelled_project import add_labels
from tests.tasks.project import COLOURS, Project, required_families

NONE = (110, 110, 110)
"""A colour that no text names."""


def test_tasks_hang_together(project):
    with project.process():
        evaluate = EvaluateCE(dataset="tiny")
        train, text = evaluate.requires()
        assert (train.task_family, train.seed, train.dataset) == ("TrainCE", 0, "tiny")
        assert (text.task_family, text.splits) == ("EncodeText", "train,val,test")
        assert sorted(required_families(train)) == ["EncodeText", "ExtractExpert", "ExtractExpert"]
        assert required_families(ExtractExpert(dataset="tiny", expert="rgb_light")) == ["BuildManifest", "FetchWeights"]
        assert required_families(EncodeText(dataset="tiny")) == ["BuildManifest", "FetchWeights"]
        assert required_families(BuildManifest(dataset="tiny")) == []


def test_seeds_of_the_command_line_replace_those_of_the_model(project):
    with project.process():
        seeds = [
            task.seed for task in EvaluateCE(dataset="tiny", seeds="3, 1,2").requires() if isinstance(task, TrainCE)
        ]
        assert seeds == [3, 1, 2]


def test_all_is_complete_once_all_was_run(project):
    tasks = [BuildManifest, EncodeText, EvaluateCE]
    with project.process():
        assert all(task(dataset="tiny").complete() for task in tasks)
        assert ExtractExpert(dataset="tiny", expert="rgb_light").complete()
        assert ExtractExpert(dataset="tiny", expert="rgb_light,speech_light").complete()
        assert TrainCE(dataset="tiny", seed=0).complete()
        assert not TrainCE(dataset="tiny", seed=1).complete()


def test_nothing_is_complete_before_the_folder_was_looked_into(project):
    (project.videos / "new.mp4").write_bytes(b"x")
    with project.process():
        assert not BuildManifest(dataset="tiny").complete()
        assert not ExtractExpert(dataset="tiny", expert="rgb_light").complete()
        assert not EncodeText(dataset="tiny").complete()
        assert not TrainCE(dataset="tiny", seed=0).complete()
        assert not EvaluateCE(dataset="tiny").complete()


def test_experts_with_labels_bring_a_row_without_training_and_its_settings_run_the_report_alone(project):
    add_labels(project)
    ran = project.run(EvaluateCE, dataset="tiny")
    assert sorted(ran) == ["EncodeLabels", "EvaluateCE test", "ExtractExpert things", "TrainCE 0"]
    first = project.report()["untrained"]["label_words"]
    assert (first["experts"], first["text"]) == (["things"], "words_hashed")
    assert 0 <= first["t2v"]["R@1"]["mean"] <= 100
    assert project.run(EvaluateCE, dataset="tiny") == []
    project.edit("", "search", label_words__temperature=0.5)
    assert project.run(EvaluateCE, dataset="tiny") == ["EvaluateCE test"]


def test_the_captions_are_encoded_for_the_sentence_encoder_too_where_the_model_has_another_one(project):
    project.write_config("text", "other", {"encoder": "words", "params": {"longest": 5}})
    add_labels(project, text="other")
    ran = project.run(EvaluateCE, dataset="tiny")
    assert ran.count("EncodeText") == 1
    assert len(list((project.data / "store" / "text" / "other").glob("*/part-*"))) == 2


def test_a_text_aligned_expert_has_rows_of_its_own_and_a_model_below_them_is_told(project):
    add_aligned(project)
    ran = project.run(EvaluateCE, dataset="tiny", rankings=False)
    assert sorted(ran) == ["EncodeText", "EvaluateCE test", "ExtractExpert tint", "TrainCE 0"]
    rows = project.report()["untrained"]
    assert list(rows) == ["tint.mean", "tint.best"]
    # Of three test videos each has another colour, which its caption names; two epochs teach a network nothing.
    assert rows["tint.mean"]["t2v"]["R@1"]["mean"] == rows["tint.best"]["t2v"]["R@1"]["mean"] == 100
    assert rows["tint.mean"]["validation"]["untrained"] == pytest.approx(100)
    trained = rows["tint.mean"]["validation"]["trained"]
    assert trained == max(epoch["geometric_mean"] for epoch in project.report()["training"]["0"])
    told = (
        f"below what needs no training on the validation split ({trained:.1f}, geometric mean of R@1, R@5 and R@10): "
        "zero-shot by tint, mean of rows (100.0), zero-shot by tint, best row (100.0)"
    )
    assert f"The trained model is {told}." in project.report()["warnings"]
    with project.process():
        last = status(load_plan(Paths().layout, "tiny"), "", "test")[-1]
    assert last.fresh and last.why.endswith(f" (the model is {told})")
    assert project.run(EvaluateCE, dataset="tiny", rankings=False) == []


def test_with_late_interaction_there_is_a_row_more_for_which_nothing_is_trained_anew(project):
    add_aligned(project)
    project.edit("models", "tiny", late_interaction=True)
    ran = project.run(EvaluateCE, dataset="tiny", rankings=False)
    assert sorted(ran) == ["EncodeText", "EncodeText", "EvaluateCE test", "ExtractExpert tint", "TrainCE 0"]
    row = project.report()["untrained"]["tint.late"]
    assert row["label"] == "zero-shot by tint, late interaction"
    assert (row["t2v"]["R@1"]["mean"], row["validation"]["untrained"]) == (100, pytest.approx(100))
    assert "zero-shot by tint, late interaction (100.0)" in " ".join(project.report()["warnings"])
    stores = (project.data / "store" / "text").iterdir()
    assert sorted(path.name for path in stores) == ["tints", "tints.tokens", "words_hashed"]
    project.edit("models", "tiny", late_interaction=False)
    assert project.run(EvaluateCE, dataset="tiny", rankings=False) == ["EvaluateCE test"]


@pytest.mark.parametrize("head", ["learned", "residual"])
def test_a_model_with_a_selector_that_is_below_what_needs_no_training_is_told_too(project, head):
    """`residual` begins with the mean of an expert that is right and one that says the contrary: chance."""
    add_misleading(project)
    project.edit("models", "tiny", selector=True, architecture__head=head)
    project.run(EvaluateCE, dataset="tiny", rankings=False)
    report = project.report()
    rows = report["untrained"]
    assert list(rows) == ["contrary.mean", "contrary.best", "tint.mean", "tint.best", "fusion"]
    assert rows["tint.mean"]["validation"]["untrained"] == pytest.approx(100)
    trained = rows["tint.mean"]["validation"]["trained"]
    by_epoch = {epoch["epoch"]: epoch["geometric_mean"] for epoch in report["training"]["0"]}
    assert trained == by_epoch[report["kept"]["0"] if head == "residual" else max(by_epoch, key=by_epoch.__getitem__)]
    if head == "residual":
        assert report["kept"] == {"0": 0}, "three validation videos make nothing sure"
        assert trained == pytest.approx(rows["fusion"]["validation"]["untrained"])
        assert "in 1 of 1 seeds, which are what the model began with (epoch 0)" in " ".join(report["warnings"])
    told = below_untrained(report)
    assert "zero-shot by tint, mean of rows (100.0)" in told and f"({trained:.1f}, " in told
    assert f"The trained model is {told}." in report["warnings"]
    with project.process():
        assert status(load_plan(Paths().layout, "tiny"), "", "test")[-1].why.endswith(f" (the model is {told})")


def test_a_report_without_labels_has_no_such_row(project):
    assert "untrained" not in project.report()


def test_the_files_of_trec_lie_beside_the_report_and_are_made_once(project):
    (before,) = project.data.glob("store/reports/tiny/*/*/report.json")
    made = before.stat().st_mtime_ns
    assert project.run(EvaluateCE, dataset="tiny", trec=True) == ["EvaluateCE test"]
    assert project.run(EvaluateCE, dataset="tiny", trec=True) == []
    assert before.stat().st_mtime_ns == made, "the report stays as it is"
    folder = before.parent / "trec"
    names = {path.name for path in folder.iterdir()}
    assert names >= {"t2v.seed_0.run", "v2t.seed_0.run", "t2v.qrels", "v2t.qrels", "measures.json", "recipe.json"}
    kept = json.loads((folder / "measures.json").read_text())["measures"]["t2v"]
    assert kept["Success@1"]["mean"] == pytest.approx(project.report()["t2v"]["R@1"]["mean"] / 100, abs=1e-9)
    (folder / "t2v.seed_0.run").unlink()
    assert project.run(EvaluateCE, dataset="tiny", trec=True) == ["EvaluateCE test"]
    assert (folder / "t2v.seed_0.run").is_file()


@pytest.fixture
def known(tmp_path):
    """A project with the expert `tint` alone, which needs no training."""
    project = Project(tmp_path / "project")
    project.copy_config("text", "words_hashed")
    project.copy_config("experts", "rgb_light")
    project.write_config("models", "tiny", {"experts": ["tint"], "text": "tints", "architecture": "zero_shot"})
    add_aligned(project, ("tint",))
    return project


def video(project, name, *parts):
    """A video of 8 s; parts: colour, and the seconds from and until which the whole picture has it."""

    def picture(index):
        shown = [COLOURS[colour] for colour, start, end in parts if start <= index / 4 < end]
        return np.full((72, 96, 3), (shown or [NONE])[0], np.uint8)

    make_clip(project.videos / f"{name}.mp4", size=(96, 72), fps=4, seconds=8, sound=None, picture=picture)


def dataset(project, form, variant="official", **settings):
    folder = project.data / "raw" / form
    files = {"format": form, "folder": str(folder), "variant": variant}
    project.write_config(
        "datasets", "tiny", {"videos": str(project.videos), "annotations": files, "model": "tiny", **settings}
    )
    return folder


@pytest.mark.slow
def test_a_report_scores_when_in_its_video_a_query_is_true(known):
    """Each query names the colour of its windows, which the expert sees exactly."""
    asked = {"train": [("a", "red", [[1, 3]])], "val": [("b", "blue", [[2, 4]])], "test": []}
    asked["test"] = [("c", "green", [[2, 5]]), ("c", "white", [[6, 8]]), ("d", "red", [[0, 2], [5, 7]])]
    for split, rows in asked.items():
        lines = [
            {"qid": place, "query": f"{colour} everywhere", "duration": 8, "vid": name, "relevant_windows": windows}
            for place, (name, colour, windows) in enumerate(rows)
        ]
        name = f"highlight_{split}_{'with_gt' if split == 'test' else 'release'}.jsonl"
        folder = dataset(known, "qvhighlights")
        sample_files.write(folder, name, "\n".join(map(json.dumps, lines)))
    video(known, "a", ("red", 1, 3))
    video(known, "b", ("blue", 2, 4))
    video(known, "c", ("green", 2, 5), ("white", 6, 8))
    video(known, "d", ("red", 0, 2), ("red", 5, 7))
    known.run(EvaluateCE, dataset="tiny", rankings=False)
    moments = known.report()["moments"]
    assert moments["tint"]["queries"] == 3
    assert moments["tint"]["measures"]["R1@0.7"] == 100
    # The whole video of 8 s: windows of 3, 2, and twice 2 s.
    assert moments["whole video"]["measures"]["mAP"] == 0


@pytest.mark.slow
def test_graded_queries_are_looked_for_among_all_videos_without_any_training_split(known):
    """The redder video answers "red" worse; two are equal, and two are there that no query is answered by."""
    shown = {
        "red": [("red", 0, 8)], "half": [("red", 0, 4), ("white", 4, 8)], "sky": [("blue", 0, 8)],
        "copy": [("blue", 0, 8)], "judged": [("white", 0, 8)], "nobody": [("green", 0, 8)],
    }  # fmt: skip
    for name, parts in shown.items():
        video(known, name, *parts)
    near = {"expert": "tint", "threshold": 0.999}
    folder = dataset(known, "multivent2", gallery="all", near_duplicates=near)
    sample_files.write(folder, "multivent_2_test_queries.csv", "Query_id,query\nq/1,red news\nq/2,blue news\n")
    grades = {("q/1", "red"): 1, ("q/1", "half"): 3, ("q/2", "sky"): 2, ("q/2", "copy"): 2, ("q/2", "judged"): 0}
    rows = [{"query_id": query, "doc_id": name, "relevance": grade} for (query, name), grade in grades.items()]
    sample_files.write(folder, "multivent_2_test_judgments.jsonl", "\n".join(map(json.dumps, rows)))
    known.run(EvaluateCE, dataset="tiny", trec=True, rankings=False)
    report = known.report()
    assert report["gallery"] == {"videos": 6, "captions": 4}
    (trec,) = known.data.glob("store/reports/tiny/*/*/trec")
    kept = json.loads((trec / "measures.json").read_text())["measures"]["t2v_graded"]
    swapped = (1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3))  # the grade is the gain
    assert kept["nDCG@10"]["mean"] == pytest.approx((swapped + 1) / 2)
    assert kept["MAP"]["mean"] == 1
    assert {line.split()[0] for line in (trec / "t2v_graded.qrels").read_text().splitlines()} == {"q/1", "q/2"}
    assert report["duplicates"]["equal"] == {"within": {"test": 2}, "across": {}}
    (pair,) = report["duplicates"]["near"]["pairs"]
    assert set(pair["videos"]) == {"sky.mp4", "copy.mp4"}
