import csv
import json
import re

import numpy as np
import pytest
from pyarrow import parquet

from pipeline.stores import parts, store
from tasks import ExportExpert
from tasks.plan.plan import load_plan
from tasks.plan.settings import Paths
from tests.tasks.cut_off import NOTE, cut_off

FORMATS = ("jsonl", "parquet", "lance", "webdataset", "npy")
WORD, VECTOR = "speech_light", "rgb_light"


@pytest.fixture
def exported(project, capsys):
    """Runs an export of a project of which one file is broken; what was output, and where the files lie."""
    (project.videos / "broken.mp4").write_text("not a video")
    project.edit("datasets", "tiny", max_failed_fraction=0.5)

    def run(expert, kind, **more):
        project.run(ExportExpert, dataset="tiny", expert=expert, format=kind, **more)
        folder = project.data / "export" / "tiny"
        return capsys.readouterr().out, folder / (expert if kind == "npy" else f"{expert}.{kind}")

    return run


def features_of(project, expert):
    """video -> its features, read from the store."""
    with project.process():
        tiny = load_plan(Paths().layout, "tiny")
        folder = tiny.selection.layout.features(tiny.selection.expert(expert))
        return {video.video_id: parts.read_features(folder, video.content) for _, video in tiny.inventory.files()}


def lines_of(path):
    if path.suffix == ".parquet":
        return pytest.importorskip("pyarrow.parquet").read_table(path).to_pylist()
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_words_are_rows_with_their_times(project, exported, kind):
    _, path = exported(WORD, kind)
    expected = [
        {"video": video, "start_s": start_s, "end_s": end_s, "text": text}
        for video, features in features_of(project, WORD).items()
        if len(features.values)
        for (start_s, end_s), text in zip(features.times_s.tolist(), features.extras["text"], strict=True)
    ]
    rows = lines_of(path)
    assert [{key: row[key] for key in ("video", "start_s", "end_s", "text")} for row in rows] == expected
    # Every third video says "hello number <n>"; the words of the .srt are the second source.
    assert [row["text"] for row in rows if row["video"] == "v03.mp4"] == ["hello", "number", "3"]
    assert ("features" in rows[0]) == (kind == "parquet")


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_vectors_are_rows_with_their_times(project, exported, kind):
    _, path = exported(VECTOR, kind)
    rows, features = lines_of(path), features_of(project, VECTOR)
    assert {row["video"] for row in rows} == {f"v{number:02}.mp4" for number in range(14)}
    for video, one in features.items():
        mine = [row for row in rows if row["video"] == video]
        if mine:
            np.testing.assert_allclose([row["features"] for row in mine], one.values, rtol=1e-6)
            assert [[row["start_s"], row["end_s"]] for row in mine] == one.times_s.tolist()


@pytest.mark.parametrize("expert", [WORD, VECTOR])
def test_arrays_are_a_file_a_video(project, exported, expert):
    _, folder = exported(expert, "npy")
    features = features_of(project, expert)
    assert {path.name for path in folder.iterdir()} == {
        f"{video}{suffix}" for video in features for suffix in (".npy", ".times_s.npy")
    }
    for video, one in features.items():
        np.testing.assert_array_equal(np.load(folder / f"{video}.npy"), one.values)
        np.testing.assert_array_equal(np.load(folder / f"{video}.times_s.npy"), one.times_s)


@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_absent_and_what_failed_is_told_beside_it(exported, kind):
    output, path = exported(WORD, kind)
    with path.with_name(f"{path.name}.videos.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["video"]: row for row in csv.DictReader(file)}
    assert list(rows) == sorted(rows)
    assert len(rows) == 15
    assert (rows["v00.mp4"]["state"], rows["v00.mp4"]["rows"], rows["v00.mp4"]["reason"]) == ("present", "3", "")
    assert (rows["v01.mp4"]["state"], rows["v01.mp4"]["rows"]) == ("absent", "0")
    assert rows["broken.mp4"]["state"] == "failed"
    assert "Invalid data found when processing input: a text file, not a video" in rows["broken.mp4"]["reason"]
    assert f"15 rows: {path}" in output
    assert "15 videos (5 present, 9 absent, 1 failed)" in output


@pytest.mark.parametrize("kind", FORMATS)
def test_the_notes_of_a_file_and_of_its_row_stand_beside_it(project, exported, kind):
    cut_off(project, "cut.mp4")
    output, path = exported(VECTOR, kind)
    with path.with_name(f"{path.name}.videos.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["video"]: row for row in csv.DictReader(file)}
    assert rows["cut.mp4"]["state"] == "present"
    assert re.search(NOTE, rows["cut.mp4"]["note"])
    assert rows["cut.mp4"]["reason"]
    assert {row["note"] for video, row in rows.items() if video != "cut.mp4"} == {""}
    assert "16 videos (15 present, 1 failed; 1 with notes)" in output


def test_it_may_lie_elsewhere_and_is_written_again_each_time(project, exported, tmp_path):
    to = tmp_path / "new folder" / "words.jsonl"
    exported(WORD, "jsonl", to=str(to))
    first = to.read_bytes()
    to.write_text("spoilt")
    exported(WORD, "jsonl", to=str(to))
    assert to.read_bytes() == first
    assert {path.name for path in to.parent.iterdir()} == {"words.jsonl", "words.jsonl.videos.csv"}


@pytest.mark.parametrize(
    ("name", "kind"), [("v.parquet", "auto"), ("V.PARQUET", "auto"), ("v.parquet", "jsonl"), ("v", "auto")]
)
def test_the_name_to_write_decides_the_format_where_none_is_named(project, tmp_path, name, kind):
    project.run(ExportExpert, dataset="tiny", expert=VECTOR, format=kind, to=str(tmp_path / name))
    is_table = kind == "auto" and name != "v"
    assert ((tmp_path / name).read_bytes()[:4] == b"PAR1") == is_table
    if not is_table:
        assert all("video" in json.loads(line) for line in (tmp_path / name).read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("expert", [WORD, VECTOR])
@pytest.mark.parametrize("kind", ["parquet", "lance"])
def test_a_table_is_the_store_bit_for_bit_with_its_recipe_beside_it(project, exported, expert, kind):
    _, path = exported(expert, kind)
    table = pytest.importorskip("lance").dataset(path).to_table() if kind == "lance" else parquet.read_table(path)
    stored = [one for one in features_of(project, expert).values() if len(one.values)]
    vectors = np.concatenate(table.column("features").to_numpy())
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(
        vectors.view(np.uint32), np.concatenate([one.values.reshape(-1) for one in stored]).view(np.uint32)
    )
    times = np.stack([table.column(key).to_numpy() for key in ("start_s", "end_s")], axis=1)
    np.testing.assert_array_equal(times, np.concatenate([one.times_s for one in stored]))
    told = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    (folder,) = {part.parent for part in project.feature_parts(expert)}
    assert told["recipe_fingerprint"] == folder.name
    assert json.loads(told["recipe"]) == json.loads((folder / "recipe.json").read_text())["recipe"]


def test_without_an_expert_all_of_the_model_lie_in_one_folder(project, exported, capsys):
    project.run(ExportExpert, dataset="tiny")
    folder = project.data / "export" / "tiny" / "features"
    assert f"2 experts: {folder}" in capsys.readouterr().out
    assert {path.name for path in folder.glob("*.parquet")} == {f"{n}.parquet" for n in (WORD, VECTOR, "videos")}
    videos = {row["video"]: row for row in parquet.read_table(folder / "videos.parquet").to_pylist()}
    assert len(videos) == 15
    assert (videos["v03.mp4"]["split"], videos["v03.mp4"][f"num_{WORD}"]) == ("train", 3)
    assert videos["v03.mp4"]["captions"] == ["a white square on the left, number 3"]
    assert videos["broken.mp4"][f"num_{WORD}"] is None
    assert "a white" not in (card := (folder / "README.md").read_text(encoding="utf-8"))
    assert f"| {WORD} | speech |" in card


def test_several_experts_in_a_format_of_one_are_a_mistake(project):
    code, output, errors = project.run_command(
        "ExportExpert", "--dataset", "tiny", "--expert", f"{WORD},{VECTOR}", "--format", "lance"
    )
    assert code == 2
    assert "several experts are written as Parquet; name one with --expert" in output + errors
    assert "Traceback" not in output + errors


def test_what_is_lacking_is_extracted_first(project, exported):
    project.edit("experts", VECTOR, params__fps=3.0)
    exported(VECTOR, "jsonl")
    assert len({part.parent for part in project.feature_parts(VECTOR)}) == 2
    store.forget_scans()
