"""A folder that nobody has described becomes searchable, and stays so when it changes."""

import shutil

import pytest

from pipeline.datasets.annotations import load_dataset
from pipeline.errors import AnnotationError, ConfigError
from search import Collection
from search.index.folder import current
from tasks import BuildIndex, SearchFolder
from tests.tasks.undescribed import edit_search_settings, folder_of, project_for_folders


@pytest.fixture
def place(tmp_path):
    return project_for_folders(tmp_path / "project")


@pytest.fixture
def clips(tmp_path, clip, rich_clip):
    return folder_of(tmp_path, clip, rich_clip)


def make_searchable(project, folder, **more) -> list[str]:
    return project.run(SearchFolder, videos=str(folder), **more)


def refused(project, folder, error=ConfigError, **more) -> str:
    """The message of a run that ends before it has begun."""
    with project.process(), pytest.raises(error) as raised:
        next(SearchFolder(videos=str(folder), **more).run())
    assert "\n" not in str(raised.value)
    return str(raised.value)


def opened(project, name="Ete_a_Nimes"):
    return Collection.open(name, project.data, project.configs)


def test_one_task_describes_extracts_and_indexes_a_folder_and_says_what_it_did(place, clips, capsys):
    ran = make_searchable(place, clips)
    assert ran == [
        "SearchFolder",
        "BuildManifest",
        "ExtractExpert rgb_light,speech_light",
        "BuildIndex",
        "SearchFolder",
    ]
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"Wrote {place.configs}/datasets/Ete_a_Nimes.yaml: 2 videos"
    assert said[1] == "Expert rgb_light; better, but not here: clip_siglip2 (1501 MB to fetch)"
    assert said[2] == "Expert speech_light"
    assert said[-3:] == [
        "Ete_a_Nimes: 2 videos",
        "Searched by: words heard in 1 video (speech_light)",
        "Search: python -m search --dataset Ete_a_Nimes",
    ]
    assert [hit.video_id for hit in opened(place).search("harbor")] == ["harbor.mkv"]


def test_a_query_is_answered_at_the_terminal(place, clips, capsys):
    make_searchable(place, clips, query="harbor")
    said = capsys.readouterr().out
    assert "1 best for 'harbor'" in said
    assert "harbor.mkv" in said


def test_the_same_folder_again_is_the_same_dataset_and_nothing_is_done(place, clips, capsys):
    make_searchable(place, clips)
    capsys.readouterr()
    assert make_searchable(place, clips.parent / "project" / ".." / clips.name) == ["SearchFolder"]
    assert "Wrote" not in capsys.readouterr().out
    assert [path.name for path in (place.configs / "datasets").iterdir()] == ["Ete_a_Nimes.yaml"]


def test_a_video_that_is_added_is_the_only_one_that_is_extracted(place, clips, rich_clip):
    make_searchable(place, clips)
    before = {path: path.stat().st_mtime_ns for path in place.feature_parts("speech_light")}
    shutil.copy(clips / "silent.mp4", clips / "new.mp4")
    (clips / "new.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\na lighthouse\n")
    assert make_searchable(place, clips) == [
        "SearchFolder", "BuildManifest", "ExtractExpert rgb_light,speech_light", "BuildIndex", "SearchFolder",
    ]  # fmt: skip
    after = {path: path.stat().st_mtime_ns for path in place.feature_parts("speech_light")}
    assert len(after) == len(before) + 1
    assert before.items() <= after.items()
    assert [hit.video_id for hit in opened(place).search("lighthouse")] == ["new.mp4"]


def test_another_folder_of_the_same_name_is_another_dataset(place, clips):
    other = clips.parent / "other" / clips.name
    other.mkdir(parents=True)
    shutil.copy(clips / "silent.mp4", other)
    make_searchable(place, clips)
    make_searchable(place, other)
    datasets = place.configs / "datasets"
    assert load_dataset("Ete_a_Nimes", datasets).videos == str(clips)
    assert load_dataset("Ete_a_Nimes_2", datasets).videos == str(other)
    make_searchable(place, other, name="chosen")
    assert load_dataset("chosen", datasets).videos == str(other)
    assert "of other videos; choose another --name" in refused(place, clips, name="chosen")


def test_captions_beside_the_videos_are_shown_with_what_is_found(place, clips, capsys):
    (clips / "harbor.txt").write_text("ships at sea\n")
    make_searchable(place, clips)
    assert "2 videos, 1 with captions" in capsys.readouterr().out
    assert opened(place).search("harbor").hits[0].captions == ("ships at sea",)


def test_damaged_videos_are_named_and_stop_nothing(place, clips, capsys):
    for name in ("cut.mp4", "bad\x1b[31m.mkv", "x.avi"):
        (clips / name).write_bytes(b"no video")
    make_searchable(place, clips)
    output = capsys.readouterr().out
    assert "Ete_a_Nimes: 5 videos, 3 of which cannot be read" in output
    assert "  cut.mp4: Invalid data found" in output
    assert "\x1b" not in output
    assert opened(place).facts.num_videos == 2


def test_a_folder_of_nothing_but_damage_is_an_error_of_one_line(place, clips):
    for path in clips.iterdir():
        path.write_bytes(b"no video")
    code, _, errors = place.run_command("SearchFolder", "--videos", str(clips))
    assert code == 30
    assert "Ete_a_Nimes: none of its videos can be read, so there is no index" in errors
    assert "Traceback" not in errors


def test_what_is_no_folder_with_videos_is_told_and_nothing_is_written(place, tmp_path, clips):
    (tmp_path / "empty").mkdir()
    assert "no videos there, at any depth" in refused(place, tmp_path / "empty", AnnotationError)
    assert "gone is not there" in refused(place, tmp_path / "gone")
    assert "is a file: name the folder that it lies in" in refused(place, clips / "silent.mp4")
    code, _, errors = place.run_command("SearchFolder", "--videos", "")
    assert (code, errors) == (2, "ERROR: SearchFolder needs --videos\n")
    assert "letters, digits, - and _ only" in refused(place, clips, name="a/b")
    assert not (place.configs / "datasets").exists()


def test_a_folder_in_the_project_is_written_from_the_project(place, clips, monkeypatch):
    inside = place.data / "raw" / "holiday"
    shutil.copytree(clips, inside)
    monkeypatch.chdir(place.root)
    make_searchable(place, "data/raw/holiday")
    assert load_dataset("holiday", place.configs / "datasets").videos == "data/raw/holiday"
    monkeypatch.setenv("HOME", str(place.data))
    make_searchable(place, "~/raw/holiday")
    assert [path.stem for path in (place.configs / "datasets").iterdir()] == ["holiday"]


def test_an_index_with_a_trained_model_is_never_replaced(project, capsys):
    project.run(BuildIndex, dataset="tiny")
    trained = current(project.data / "store" / "index" / "tiny")
    assert make_searchable(project, project.videos) == ["SearchFolder"]
    assert "tiny has an index with a trained model, which stays as it is" in capsys.readouterr().out
    assert current(trained.parent) == trained


def test_settings_that_name_no_expert_are_told(place, clips):
    edit_search_settings(place, folder=None)
    assert "search.yaml: no expert under folder: can take part" in refused(place, clips)
    assert not (place.configs / "datasets").exists()


def test_weights_are_fetched_only_where_that_is_asked_for(place, clips):
    words = ("SearchFolder", "--videos", str(clips), "--fetch", "--Weights-offline")
    code, output, errors = place.run_command(*words)
    assert code == 30
    assert "Expert clip_siglip2\n" in output
    assert "model.safetensors (1501 MB) ->" in errors
    assert "Extracting" not in output
