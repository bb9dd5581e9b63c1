from tasks import ExtractExpert
from tasks.plan.notes import notes_of, shown_notes
from tasks.plan.plan import load_plan
from tasks.plan.settings import Paths
from tests.tasks.cut_off import NOTE, cut_off


def test_the_notes_of_files_and_of_rows_are_told_with_the_experts(project):
    cut_off(project, "cut.mp4")
    (project.videos / "broken.mp4").write_text("no video")
    project.edit("datasets", "tiny", max_failed_fraction=0.5)
    project.run(ExtractExpert, dataset="tiny", expert="rgb_light,speech_light")
    with project.process():
        inventory = load_plan(Paths().layout, "tiny").inventory
        notes = list(notes_of(inventory))
        assert list(shown_notes(inventory)) == [(note.video, note.text, *note.experts) for note in notes]
    incomplete = [note for note in notes if not note.is_absent]
    assert {note.video for note in incomplete} == {"cut.mp4"}
    assert any(NOTE.search(note.text) for note in incomplete)
    assert any("rgb_light" in note.experts for note in incomplete)
    silent = [note for note in notes if note.is_absent]
    assert {note.experts for note in silent} <= {("speech_light",)}
    assert "broken.mp4" not in {note.video for note in notes}
