"""Reports of known datasets on made videos, whose annotation files are in the form of their owners."""

import json
import math

import numpy as np
import pytest

from tasks import EvaluateCE
from tests.clips import make_clip
from tests.pipeline.datasets.readers import sample_files
from tests.tasks.aligned_project import add_aligned
from tests.tasks.project import COLOURS, Project

NONE = (110, 110, 110)


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
