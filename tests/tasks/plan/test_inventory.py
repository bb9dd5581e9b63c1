import shutil

import numpy as np
import pytest

from pipeline.stores import parts, row_table, store
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from tasks import EvaluateCE, ExtractExpert, Status
from tasks.plan.inventory import Inventory, rescan
from tasks.plan.selection import Selection
from tasks.plan.settings import Paths


def test_before_the_manifest_nothing_is_known(project):
    (project.videos / "new.mp4").write_bytes(b"x")
    with project.process():
        tiny = Inventory(Selection(Paths().layout, "tiny"))
        assert tiny.manifest() is None
        assert tiny.expert_state(tiny.selection.experts[0]) is None
        assert tiny.missing_captions() is None
        assert tiny.files() == []
        assert tiny.missing_features(["rgb_light"]) == []


def test_the_folder_is_looked_at_once_a_process(project):
    with project.process():
        tiny = Inventory(Selection(Paths().layout, "tiny"))
        before = tiny.manifest()
        (project.videos / "new.mp4").write_bytes(b"x")
        assert tiny.manifest() == before, "frozen before the work starts"
        rescan("tiny")
        assert tiny.manifest() is None


def test_a_row_that_is_gone_is_what_remains(project):
    with project.process():
        tiny = Inventory(Selection(Paths().layout, "tiny"))
        expert = tiny.selection.expert("rgb_light")
        state = tiny.expert_state(expert)
        assert (state.held.num_rows, state.remaining, state.failed) == (14, frozenset(), [])
    part = project.feature_parts("rgb_light")[0]
    lost = {row.key for row in store.rows_of(part)}
    shutil.rmtree(part)
    with project.process():
        assert Inventory(Selection(Paths().layout, "tiny")).expert_state(expert).remaining == lost


@pytest.mark.parametrize(("task", "num_stores"), [(EvaluateCE, 2), (Status, 3)])
def test_what_a_store_holds_is_found_once_in_a_command_of_three_seeds(project, monkeypatch, task, num_stores):
    project.run(EvaluateCE, dataset="tiny", seeds="0,1,2")
    found, held = [], row_table.Held.__init__
    monkeypatch.setattr(
        row_table.Held, "__init__", lambda self, table, keys: (found.append(table), held(self, table, keys))[1]
    )
    assert project.run(task, dataset="tiny", seeds="0,1,2") == [] or task is Status
    assert len(found) == num_stores, "of two experts, and for Status of the captions"
    assert len({id(table) for table in found}) == num_stores


def test_what_a_store_holds_is_found_again_after_this_process_has_published(project):
    with project.process():
        tiny = Inventory(Selection(Paths().layout, "tiny"))
        expert = tiny.selection.expert("rgb_light")
        before = tiny.expert_state(expert)
        assert tiny.expert_state(expert).held is before.held
        folder = tiny.selection.layout.features(expert)
        shutil.rmtree(store.parts(folder)[0])
        lacking = tiny.expert_state(expert).remaining
        assert len(lacking) > 0
        rows = [Row(key, 0, failed=True, reason="x") for key in lacking]
        nothing = Features(np.zeros((0, 4), np.float32), np.zeros((0, 2)))
        parts.publish(folder, rows, [nothing] * len(rows), 4)
        after = tiny.expert_state(expert)
        assert (len(after.remaining), len(after.failed)) == (0, len(rows))


def test_files_are_those_of_the_manifest_one_at_a_time_and_in_slices(project):
    with project.process():
        tiny = Inventory(Selection(Paths().layout, "tiny"))
        files, videos = tiny.files(), tiny.manifest().videos
        assert len(files) == 14
        assert list(files) == files[:] == [(project.videos / video.video_id, video) for video in videos]
        assert files[3] == files[2:5][1]


def test_a_caption_that_is_new_is_missing_once_however_often_it_is_said(project):
    for row in project.rows[:2]:
        row["caption"] = "the same words, twice"
    project.write_captions()
    project.run(ExtractExpert, dataset="tiny", expert="rgb_light")
    with project.process():
        assert Inventory(Selection(Paths().layout, "tiny")).missing_captions() == ["the same words, twice"]
