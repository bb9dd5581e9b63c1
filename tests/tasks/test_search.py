"""The index and the queries, as tasks."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from pipeline.stores import parts, store
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from search import Collection, Options
from search.index.folder import current
from tasks import BuildIndex, ExportExpert, Search
from tests.clips import AUDIO_HZ, make_clip
from tests.extractors import tiny_ears
from tests.tasks.aligned_project import add_aligned
from tests.tasks.labelled_project import add_labels
from tests.tasks.project import CONFIGS, MODEL, Project

HEAVY = {
    "torch", "torchvision", "transformers", "timm", "librosa", "scipy", "sklearn", "faiss", "av", "cv2", "zarr",
}  # fmt: skip
"""What a query, a status and a table of the experts have no use for."""
CLASSIFIER = {
    "extractor": "image_classifier", "modality": "rgb", "weights": "seeded",
    "labels": {"names": ["zebra", "brown bear, bruin"], "keep": 2},
    "params": {
        "network": "torchvision/resnet18.IMAGENET1K_V1", "dim": 512, "classes": 2, "resize_px": 64, "crop_px": 64,
    },
}  # fmt: skip
"""On stand-in weights: what is seen means nothing, but it is told and found all the same."""


def open_collection(project) -> Collection:
    return Collection.open("tiny", project.data, project.configs)


def test_an_index_is_built_once(project):
    assert project.run(BuildIndex, dataset="tiny") == ["BuildIndex"]
    assert project.run(BuildIndex, dataset="tiny") == []
    assert open_collection(project).facts.num_videos == 14


def test_a_search_builds_what_is_stale_and_prints_what_it_finds(project, capsys):
    assert project.run(Search, dataset="tiny", query="hello number 9") == ["BuildIndex", "Search"]
    output = capsys.readouterr().out
    weighed, _, _, first, *_ = output.splitlines()
    assert weighed.startswith("Weighed: ") and "v09.mp4" in first
    project.edit("experts", "rgb_light", params__fps=1.0)
    ran = project.run(Search, dataset="tiny", query="hello")
    assert ran == ["ExtractExpert rgb_light", "TrainCE 0", "BuildIndex", "Search"]


def test_the_best_are_put_in_order_by_the_tokens_of_the_query_where_that_is_asked_for(project, capsys):
    add_aligned(project, ("speech_light", "tint"))
    project.run(BuildIndex, dataset="tiny", untrained=True)
    capsys.readouterr()
    project.run(Search, dataset="tiny", query="hello red", untrained=True, second_stage="late_interaction")
    weighed, *rows = capsys.readouterr().out.splitlines()
    assert weighed.startswith("Weighed: words ") and " tokens " in weighed
    assert "tokens 1" in " ".join(rows)
    answer = open_collection(project).search("hello red", options=Options(14, second_stage="late_interaction"))
    best = max(answer, key=lambda hit: hit.found_by["late_interaction"].score)
    scores = open_collection(project).late[0].scores(np.array([[1, -0.5, -0.5]]) / np.sqrt(1.5), range(14))
    # The red ones are equal but for the rounding of their pixels.
    reddest = [video.video_id for video, score in zip(open_collection(project).videos, scores, strict=True)
               if score > scores.max() - 0.01]  # fmt: skip
    assert reddest == ["v00.mp4", "v04.mp4", "v08.mp4", "v12.mp4"]
    assert best.video_id in reddest
    project.run(Search, dataset="tiny", query="hello red", untrained=True, second_stage="none", json=True)
    assert "late_interaction" not in capsys.readouterr().out
    _, worked = project.attempt(Search, dataset="tiny", query="hello red", untrained=True, second_stage="late")
    assert not worked


def test_what_nobody_says_is_not_found(project, capsys):
    project.run(Search, dataset="tiny", query="xylophone", untrained=True)
    assert "Nothing found for 'xylophone'" in capsys.readouterr().out


def test_without_a_model_the_words_are_found(project):
    assert project.run(BuildIndex, dataset="tiny", untrained=True) == ["BuildIndex"]
    collection = open_collection(project)
    assert collection.experts is None
    assert collection.search("hello number 9").hits[0].video_id == "v09.mp4"


def test_an_index_that_is_wanted_again_is_only_made_current(project):
    project.run(BuildIndex, dataset="tiny")
    trained = current(project.data / "store" / "index" / "tiny")
    written = {path: path.stat().st_mtime_ns for path in trained.rglob("*")}
    project.run(BuildIndex, dataset="tiny", untrained=True)
    assert current(trained.parent) != trained
    assert project.run(BuildIndex, dataset="tiny") == ["BuildIndex"]
    assert current(trained.parent) == trained
    assert {path: path.stat().st_mtime_ns for path in trained.rglob("*")} == written


def test_a_setting_of_queries_alone_builds_no_new_index(project):
    project.run(BuildIndex, dataset="tiny")
    path = project.configs / "search.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("offset: 60", "offset: 20"), encoding="utf-8")
    assert project.run(BuildIndex, dataset="tiny") == []


def test_an_empty_query_is_refused(project):
    ran, worked = project.attempt(Search, dataset="tiny", query=" ")
    assert not worked
    assert ran[-1] == "Search"


@pytest.fixture
def captionless(project):
    """Two videos without captions, as a dataset of their own."""
    folder = project.data / "raw" / "mine"
    folder.mkdir()
    for name in ("v00.mp4", "v00.srt", "v04.mp4"):
        shutil.copy(project.videos / name, folder / f"my {name}")
    project.write_config("datasets", "mine", {"videos": str(folder), "model": "tiny"})
    return folder


def test_videos_without_captions_are_searched_with_a_model_that_was_trained_elsewhere(project, captionless, capsys):
    ran = project.run(BuildIndex, dataset="mine", trained_on="tiny")
    assert ran == ["BuildManifest", "BuildIndex"]  # the videos are known under other names: nothing is extracted
    assert "kept" not in capsys.readouterr().out
    collection = Collection.open("mine", project.data, project.configs)
    assert collection.experts is not None
    assert collection.search("hello number 0").hits[0].video_id == "my v00.mp4"


def test_a_video_that_is_added_is_the_only_one_that_is_embedded(project, captionless, capsys):
    project.run(BuildIndex, dataset="mine", trained_on="tiny")
    project.add_video("v77.mp4", 77, None)
    (project.videos / "v77.mp4").rename(captionless / "v77.mp4")
    capsys.readouterr()
    ran = project.run(Search, dataset="mine", trained_on="tiny", query="hello")
    assert ran == ["BuildManifest", "ExtractExpert rgb_light,speech_light", "BuildIndex", "Search"]
    assert "1 of 3 videos are new" in capsys.readouterr().out
    assert project.run(BuildIndex, dataset="mine", trained_on="tiny") == []


def test_with_a_model_and_without_is_a_contradiction(project):
    assert project.attempt(BuildIndex, dataset="tiny", trained_on="tiny", untrained=True) == ([], False)


def test_failures_that_were_tried_again_make_a_new_index_also_without_a_model(project):
    project.edit("datasets", "tiny", max_failed_fraction=1.0)
    project.run(BuildIndex, dataset="tiny", untrained=True)
    path = next(project.data.glob("store/features/speech_light/*"))
    row = next(row for row in store.rows(path).values() if row.count)
    features = parts.read_features(path, row.key)
    for part in store.parts(path):
        rows = [one for one in store.rows_of(part) if one.key != row.key]
        kept = [parts.read_features(path, one.key) for one in rows]
        shutil.rmtree(part)
        parts.publish(path, rows, kept, 300)
    parts.publish(
        path, [Row(row.key, 0, failed=True, reason="hung")], [Features(np.zeros((0, 300)), np.zeros((0, 2)))], 300
    )
    assert project.run(BuildIndex, dataset="tiny", untrained=True) == ["BuildIndex"]
    store.forget(path, [row.key])
    parts.publish(path, [row], [features], 300)
    assert project.run(BuildIndex, dataset="tiny", untrained=True) == ["BuildIndex"]


def test_a_classifier_is_searched_by_its_labels_and_exported_with_their_names(project, capsys):
    project.write_config("experts", "rgb_light", CLASSIFIER)
    project.run(ExportExpert, dataset="tiny", expert="rgb_light")
    lines = (project.data / "export" / "tiny" / "rgb_light.jsonl").read_text(encoding="utf-8").splitlines()
    best: dict[tuple[str, str], float] = {}
    for row in map(json.loads, lines):
        assert len(row["features"]) == 512
        for label, score in zip(row["labels"], row["label_scores"], strict=True):
            best[row["video"], label] = max(best.get((row["video"], label), 0.0), score)
    assert {label for _, label in best} == {"zebra", "brown bear, bruin"}

    project.run(Search, dataset="tiny", query="zebra bruin", untrained=True)
    assert "labels 1" in capsys.readouterr().out
    answer = open_collection(project).search("zebra bruin")
    assert len(answer) == 10
    for hit in answer:
        assert hit.seen
        for one in hit.seen:
            assert one.score == pytest.approx(best[hit.video_id, one.label], abs=1e-5)


def test_labels_that_are_gone_from_a_part_are_extracted_once_more_and_searched(project):
    project.write_config("experts", "rgb_light", CLASSIFIER)
    project.run(BuildIndex, dataset="tiny", untrained=True)
    (part,) = [path for path in project.feature_parts("rgb_light") if (path / "labels").is_dir()]
    shutil.rmtree(part / "labels")
    shutil.rmtree(project.data / "store" / "index")
    ran = project.run(BuildIndex, dataset="tiny", untrained=True)
    assert ran[-1] == "BuildIndex"
    assert "ExtractExpert rgb_light" in ran
    assert open_collection(project).search("zebra").hits


def test_label_words_are_searched_before_any_training_and_their_settings_build_no_new_index(project):
    add_labels(project)
    project.edit("", "search", floors__label_words=0.0, floors__label_words_of_near=0.0)
    ran = project.run(BuildIndex, dataset="tiny", untrained=True)
    assert sorted(ran) == ["BuildIndex", "EncodeLabels", "ExtractExpert things"]
    collection = open_collection(project)
    assert (collection.facts.sentences, collection.facts.labelled) == ("words_hashed", ("things",))
    hits = collection.search("crimson square").hits
    assert hits
    assert all("label_words" in hit.found_by and hit.seen for hit in hits)
    project.edit("", "search", label_words__temperature=0.5, label_words__pool="mean")
    assert project.run(BuildIndex, dataset="tiny", untrained=True) == []


@pytest.mark.slow
def test_a_sound_is_found_by_its_description_before_any_training(tmp_path):
    """By the expert audio_text from a repository as the hub has them, whose network knows a hum, a beep and a hiss."""
    heard, random = Project(tmp_path), np.random.default_rng(1)
    network = tiny_ears.taught(heard.data / "weights")
    sounds = {f"v{number:02}": "dog" for number in range(20)} | {"v03": "cat", "v11": "loudly"}
    for name, kind in sounds.items():
        samples = tiny_ears.sound(kind, 2.0, random, AUDIO_HZ)
        make_clip(heard.videos / f"{name}.mp4", size=(64, 40), fps=2, seconds=2.0, sound=samples)
    window = {"window_s": tiny_ears.WINDOW_S, "hop_s": tiny_ears.WINDOW_S}
    heard.write_config("experts", "heard", {"extractor": "audio_text", "modality": "audio", "params": network | window})
    heard.write_config("text", "heard", {"encoder": "audio_text", "params": network | {"max_tokens": tiny_ears.LENGTH}})
    heard.write_config("models", "tiny", MODEL | {"experts": ["heard"], "text": "heard"})
    heard.write_config("datasets", "tiny", {"videos": str(heard.videos), "model": "tiny"})
    shutil.copy(CONFIGS / "search.yaml", heard.configs)
    heard.run(BuildIndex, dataset="tiny", untrained=True)
    collection = Collection.open("tiny", heard.data, heard.configs)
    for query, video in (("a cat", "v03.mp4"), ("a loudly", "v11.mp4")):
        first = collection.search(query).hits[0]
        assert (first.video_id, list(first.found_by)) == (video, ["frames"])
        assert [one.expert for one in first.moments] == ["heard"]


@pytest.mark.parametrize("task", [["Search", "--query", "hello number 9"], ["Status"], ["ListExperts"]])
def test_what_only_looks_imports_no_library_of_networks(project, task):
    project.run(BuildIndex, dataset="tiny")
    project.run_command("--help")  # writes the settings
    words = [*task, *(["--dataset", "tiny"] if task != ["ListExperts"] else [])]
    script = (
        "import sys\n"
        "from luigi.cmdline import luigi_run\n"
        "try:\n"
        f"    luigi_run(['--module', 'tasks', *{words!r}])\n"
        "except SystemExit as end:\n"
        f"    print('heavy:', sorted({HEAVY!r} & sys.modules.keys()), end.code)\n"
    )
    settings = os.environ | {"LUIGI_CONFIG_PATH": str(project.root / "command.cfg")}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=CONFIGS.parent, env=settings, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1] == "heavy: [] 0", done.stdout + done.stderr
    assert task[0] != "Search" or "experts" in done.stdout
