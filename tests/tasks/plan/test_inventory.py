import shutil

from pipeline.stores import store
from tasks import ExtractExpert
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


def test_a_caption_that_is_new_is_missing_once_however_often_it_is_said(project):
    for row in project.rows[:2]:
        row["caption"] = "the same words, twice"
    project.write_captions()
    project.run(ExtractExpert, dataset="tiny", expert="rgb_light")
    with project.process():
        assert Inventory(Selection(Paths().layout, "tiny")).missing_captions() == ["the same words, twice"]
