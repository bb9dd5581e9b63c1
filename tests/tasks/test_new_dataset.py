"""A folder of one's own: described, extracted, searched or trained on, and changed."""

import csv
import json
import re
import shutil

import luigi
import pytest

from extractors.executors import local
from pipeline.stores import store
from tasks.extraction import ExtractExpert
from tasks.manifest import BuildManifest
from tasks.new_dataset import EstimateExtraction, NewDataset
from tests.tasks.project import Project

LIGHT = ["audio_light", "face_light", "flow_light", "ocr_light", "rgb_light", "scene_light", "speech_light"]


@pytest.fixture
def mine(tmp_path, clip, rich_clip):
    """Three videos without a word about them."""
    project = Project(tmp_path)
    for kind, names in (("experts", ["rgb_light", "speech_light"]), ("text", ["words_hashed"])):
        for name in names:
            project.copy_config(kind, name)
    project.copy_config("models", "ce_light")
    project.edit("models", "ce_light", experts=["rgb_light", "speech_light"])
    for name, source in (("a/clip.mp4", clip), ("b/clip.mp4", rich_clip), ("-rf 日本 'q'.mkv", rich_clip)):
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, tmp_path / "mine" / name)
    run(project, NewDataset, name="mine", videos=str(tmp_path / "mine"))
    return project


def run(project, task, **params):
    luigi.task_register.Register.clear_instance_cache()  # else a task that has told remembers that it has
    with project.process():
        assert luigi.build([task(**params)], local_scheduler=True, no_lock=True)


def extract(project):
    run(project, ExtractExpert, dataset="mine", expert="rgb_light,speech_light")


def manifest_of(project):
    from tasks.plan.layout import Layout
    from tasks.plan.plan import load_plan

    with project.process():
        return load_plan(Layout(project.data, project.configs), "mine").inventory.manifest()


@pytest.fixture
def decoded(monkeypatch):
    """The names of the files that were decoded."""
    names = []
    real = local.run_pass

    def watched(wanted, todo, *rest):
        todo = list(todo)
        names.extend(sorted({video.video_id for _, video, *_ in todo}))
        return real(wanted, todo, *rest)

    monkeypatch.setattr(local, "run_pass", watched)
    return names


def test_a_folder_without_captions_extracts_and_says_that_there_is_nothing_to_train_on(mine):
    extract(mine)
    assert {video.split for video in manifest_of(mine).videos} == {""}
    code, _, errors = mine.run_command("EvaluateCE", "--dataset", "mine", "--seeds", "0")
    assert code
    assert "mine: no captioned video in the test and the train and the val split, so the run could not end" in errors
    assert errors.count("ERROR") == 1
    assert "Traceback" not in errors


def test_an_added_video_alone_is_decoded(mine, decoded, clip, bare_clip):
    extract(mine)
    decoded.clear()
    shutil.copy(bare_clip, mine.root / "mine" / "new.mp4")
    extract(mine)
    assert decoded == ["new.mp4"]


def test_a_changed_video_alone_is_decoded_again(mine, decoded, bare_clip):
    extract(mine)
    decoded.clear()
    shutil.copy(bare_clip, mine.root / "mine" / "a" / "clip.mp4")
    extract(mine)
    assert decoded == ["a/clip.mp4"]


def test_a_renamed_or_copied_video_is_not_decoded(mine, decoded):
    extract(mine)
    decoded.clear()
    (mine.root / "mine" / "a" / "clip.mp4").rename(mine.root / "mine" / "renamed.mp4")
    shutil.copy(mine.root / "mine" / "b" / "clip.mp4", mine.root / "mine" / "copy.mp4")
    extract(mine)
    assert decoded == []
    assert [video.video_id for video in manifest_of(mine).videos] == [
        "-rf 日本 'q'.mkv", "b/clip.mp4", "copy.mp4", "renamed.mp4",
    ]  # fmt: skip


def test_a_removed_video_leaves_the_manifest_and_its_features_stay(mine, decoded):
    extract(mine)
    decoded.clear()
    kept = mine.root / "kept.mp4"
    (mine.root / "mine" / "a" / "clip.mp4").rename(kept)
    extract(mine)
    assert len(manifest_of(mine).videos) == 2
    kept.rename(mine.root / "mine" / "back.mp4")
    extract(mine)
    assert decoded == []


def test_an_estimate_tells_videos_time_and_disk_and_keeps_nothing(mine, capsys):
    run(mine, EstimateExtraction, dataset="mine")
    told = capsys.readouterr().out
    # Two contents: the third file is a copy. 2 s and 3 s of video.
    assert "Extracting rgb_light, speech_light from 2 videos, 5 s in all" in told
    assert "That will take about" in told
    assert "MB of disk" in told
    assert not mine.feature_parts("rgb_light")
    assert not list((mine.data / "store").glob(".tmp-*"))
    extract(mine)
    capsys.readouterr()
    run(mine, EstimateExtraction, dataset="mine")
    assert "Nothing to extract" in capsys.readouterr().out


def test_what_a_gpu_takes_is_told_without_the_videos(tmp_path, capsys):
    """Rates are made up; the hours are MSR-VTT's."""
    project = Project(tmp_path)
    for kind, name in (("datasets", "msrvtt"), ("models", "ce"), ("text", "gpt")):
        project.copy_config(kind, name)
    for name in ("rgb", "flow", "audio", "face", "ocr", "speech", "scene"):
        project.copy_config("experts", name)
    run(project, EstimateExtraction, dataset="msrvtt", gpu="h200")
    (line,) = capsys.readouterr().out.strip().splitlines()
    assert "No figures of a GPU called 'h200' in benchmarks/gpu.json (it has none); benchmarks/on_gpu.sh" in line
    measured = tmp_path / "gpu.json"
    figures = {"rgb": {"pass": {"times_real_time": 10.3}}}
    facts = {"machine": {"date": "2026-12-01", "cores": 16}, "steps": {"experts": {"figures": figures}}}
    measured.write_text(json.dumps({"NVIDIA H200": facts}))
    run(project, EstimateExtraction, dataset="msrvtt", gpu="h200", measured=str(measured))
    told = capsys.readouterr().out
    assert "msrvtt: 41.2 hours of video on one NVIDIA H200 and 16 cores, 2026-12-01" in told
    assert re.search(r"rgb +10 +4\.0 h", told)
    assert re.search(r"ocr +not measured", told)


def test_the_commands_are_told_one_after_another(mine, tmp_path):
    (tmp_path / "c.csv").write_text("video,caption,split\na/clip.mp4,x,train\nb/clip,y,val\nwho,z,test\n")
    code, output, errors = mine.run_command(
        "NewDataset", "--name", "told", "--videos", str(tmp_path / "mine"), "--captions", str(tmp_path / "c.csv")
    )
    assert (code, errors) == (0, "")
    assert "3 videos, 2 with captions (1 train, 1 val, 0 test)" in output
    assert "Note: 1 names in the captions fit no video, e.g. 'who'" in output
    assert "Note: nothing in test, and EvaluateCE stops where a split is empty; add captions" in output
    assert "Next, to train a model and test it: luigi --module tasks EvaluateCE --dataset told\n" in output
    assert (
        "then, to search with the model: luigi --module tasks BuildIndex --dataset told && python -m search" in output
    )
    assert f"Or search at once, without training: python -m search --videos {tmp_path / 'mine'}\n" in output
    code, output, errors = mine.run_command("NewDataset", "--name", "told", "--videos", str(tmp_path / "mine"))
    assert code
    assert "told.yaml is there already" in errors
    assert "Traceback" not in errors


def test_without_captions_the_commands_that_search_are_told_and_what_a_training_needs(mine, tmp_path):
    (tmp_path / "my videos").mkdir()
    shutil.copy(tmp_path / "mine" / "a" / "clip.mp4", tmp_path / "my videos")
    code, output, errors = mine.run_command("NewDataset", "--name", "bare", "--videos", str(tmp_path / "my videos"))
    assert (code, errors) == (0, "")
    assert f"Next, to search: python -m search --videos '{tmp_path / 'my videos'}'\n" in output
    assert "Without captions there is nothing to train or test on: name a file of them under captions: in " in output
    assert "luigi --module tasks EvaluateCE --dataset bare; or BuildIndex --dataset bare --trained-on" in output


def test_the_estimate_is_one_json_document_with_the_numbers_of_the_lines(mine):
    code, output, errors = mine.run_command("EstimateExtraction", "--dataset", "mine", "--json")
    assert code == 0
    told = json.loads(output)
    assert told["dataset"] == "mine"
    assert told["experts"] == ["rgb_light", "speech_light"]
    # Two contents, of 2 s and of 3 s.
    assert (told["videos"], told["hours"]) == (2, pytest.approx(5 / 3600, rel=0.02))
    assert told["seconds"] > 0 < told["bytes"]
    assert told["devices"] == 1
    assert "from 2 videos, 5 s in all" in errors
    assert not mine.feature_parts("rgb_light")


@pytest.mark.slow
def test_every_real_and_every_bad_file_is_accounted_for(tmp_path, media):
    project = Project(tmp_path)
    for kind, names in (("experts", LIGHT), ("text", ["words_hashed"]), ("models", ["ce_light"])):
        for name in names:
            project.copy_config(kind, name)
    project.edit("models", "ce_light", training__epochs=2, training__seeds=[0])
    for folder in ("videos", "bad"):
        shutil.copytree(media / folder, tmp_path / "mine" / folder)
    (tmp_path / "mine" / "bad" / "expected.csv").unlink()
    files = sorted(path.relative_to(tmp_path / "mine").as_posix() for path in (tmp_path / "mine").rglob("*.*"))
    with (tmp_path / "c.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [(name, f"number {i}", ("train", "train", "val", "test")[i % 4]) for i, name in enumerate(files)]
        csv.writer(file).writerows([("video", "caption", "split"), *rows])
    run(project, NewDataset, name="mine", videos=str(tmp_path / "mine"), captions=str(tmp_path / "c.csv"))
    code, output, errors = project.run_command("EvaluateCE", "--dataset", "mine", "--seeds", "0")
    assert code == 0, errors
    assert "mine, test split" in output
    made = manifest_of(project)
    assert [video.video_id for video in made.videos] == files
    _every_row_is_there(project, made)
    _outcomes_are_as_expected(project, made, media)


def _every_row_is_there(project, made):
    contents = {video.content for video in made.videos}
    for name in LIGHT:
        (folder,) = (project.data / "store" / "features" / name).iterdir()
        assert store.rows(folder).keys() == contents, name


def _outcomes_are_as_expected(project, made, media):
    """Against the list that came with the bad files: what gives an error there failed here, and nothing else did."""
    with (media / "bad" / "expected.csv").open(encoding="utf-8", newline="") as file:
        expected = {f"bad/{row['file']}": row["expect_status"] for row in csv.DictReader(file)}
    (report,) = project.data.glob("store/reports/mine/*/*/report.json")
    failed = {row["video"] for row in json.loads(report.read_text(encoding="utf-8"))["failures"]}
    wrong = {name for name, status in expected.items() if status == "error"}
    maybe = {name for name, status in expected.items() if status.startswith("error (")}
    assert wrong <= failed <= wrong | maybe
    assert all(video.problem for video in made.videos if video.video_id in wrong)


def test_the_manifest_of_a_known_dataset_warns_when_it_is_partial(tmp_path, clip):
    from tests.pipeline.datasets.readers import sample_files

    project = Project(tmp_path)
    sample_files.msrvtt(tmp_path / "raw")
    (tmp_path / "raw" / "videos").mkdir()
    shutil.copy(clip, tmp_path / "raw" / "videos" / "video3.mp4")
    told = {
        "videos": str(tmp_path / "raw" / "videos"),
        "annotations": {"format": "msrvtt", "folder": str(tmp_path / "raw"), "variant": "full"},
    }
    project.write_config("datasets", "mine", told)
    code, _, errors = project.run_command("BuildManifest", "--dataset", "mine")
    assert code
    assert "11 of 12 captioned videos are not in" in errors
    code, output, _ = project.run_command("BuildManifest", "--dataset", "mine", "--allow-partial")
    assert code == 0
    assert "Note: 11 of 12 captioned videos are not in" in output
    with project.process():
        assert BuildManifest(dataset="mine").plan.inventory.manifest() is None, (
            "that it is partial is asked for each time"
        )
