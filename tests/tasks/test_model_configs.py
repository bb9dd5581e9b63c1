"""The shipped models that people look for, end to end: the YAMLs as they are, with small experts of the same names."""

import pytest
import yaml

from pipeline.reports.report import below_untrained
from search import Collection
from tasks import BuildIndex, EvaluateCE
from tests.tasks.aligned_project import add_aligned
from tests.tasks.labelled_project import CLASSIFIER

LIGHT = {
    "flow": "flow_light",
    "scene": "scene_light",
    "audio": "audio_light",
    "face": "face_light",
    "speech": "speech_light",
    "speech_turbo": "speech_light",
    "captions": "speech_light",
}
ALIGNED = ["clip", "clip_siglip2", "video_videoprism", "sound_clap", "audio_video_pe"]
READS = {"extractor": "colour_shape", "modality": "ocr"}
SMALL = {"rgb": CLASSIFIER | {"labels": None}, "ocr": READS, "ocr_lines": READS}


@pytest.fixture
def shipped(project):
    """The tiny project with an expert of each name, light ones and a network on stand-in weights, and the models."""
    add_aligned(project)
    for name, light in LIGHT.items():
        project.copy_config("experts", light)
        (project.configs / "experts" / f"{light}.yaml").rename(project.configs / "experts" / f"{name}.yaml")
    for name, expert in SMALL.items():
        project.write_config("experts", name, {key: value for key, value in expert.items() if value is not None})
    for number, name in enumerate(ALIGNED):
        params = {"params": {"network": f"network {number}"}}
        project.write_config("experts", name, {"extractor": "tint", "modality": "rgb", **params})
        project.write_config("text", name, {"encoder": "tint", **params})
    project.copy_config("text", "words_hashed")
    (project.configs / "text" / "words_hashed.yaml").rename(project.configs / "text" / "gpt.yaml")
    for name in ("ce_2026", "moee", "concat", "ce_parallel", "zero_shot"):
        project.copy_config("models", name)
    return project


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_each_model_of_the_shipped_ones_gives_a_report(shipped):
    reports = {}
    for model in ("zero_shot", "ce_2026", "moee", "concat", "ce_parallel"):
        path = shipped.configs / "models" / f"{model}.yaml"
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        if "training" in settings:
            shipped.edit("models", model, training__epochs=1, architecture__shared_dim=16)
        shipped.run(EvaluateCE, dataset="tiny", model=model, seeds="0", rankings=False)
        (found,) = shipped.data.glob(f"store/reports/tiny/{model}/*/report.json")
        reports[model] = yaml.safe_load(found.read_text(encoding="utf-8"))
        assert sorted(reports[model]["experts"]) == sorted(settings["experts"])
    for model, aligned in (("zero_shot", ALIGNED[:2]), ("ce_2026", ALIGNED)):
        rows = [f"{name}.{pool}" for name in sorted(aligned) for pool in ("mean", "best")]
        assert list(reports[model]["untrained"]) == [*rows, "fusion"]
    assert "untrained" not in reports["moee"]
    trained = reports["ce_2026"]["training"]["0"]
    assert [epoch["epoch"] for epoch in trained] == [0, 1]
    fusion = reports["ce_2026"]["untrained"]["fusion"]
    assert trained[0]["geometric_mean"] == pytest.approx(fusion["validation"]["untrained"])
    assert not below_untrained(reports["ce_2026"])
    assert reports["ce_2026"]["kept"] == {"0": 0}, "three validation videos make nothing sure"
    zero_shot = reports["zero_shot"]
    assert zero_shot["training"] == {} and zero_shot["selection"].startswith("none: ")
    for direction in ("t2v", "v2t"):
        mine, theirs = zero_shot[direction], zero_shot["untrained"]["fusion"][direction]
        assert {name: value["mean"] for name, value in mine.items()} == pytest.approx(
            {name: value["mean"] for name, value in theirs.items()}
        )
    assert zero_shot["t2v"]["R@1"]["mean"] == 100, "each of three videos has another colour, which its caption names"
    assert not [line for line in zero_shot["warnings"] if "trained" in line.lower() or "seeds" in line]


@pytest.mark.slow
def test_a_model_without_training_is_searched_and_needs_no_training_split(shipped):
    for row in shipped.rows:
        row["split"] = "test"
    shipped.write_captions()
    shipped.run(BuildIndex, dataset="tiny", model="zero_shot")
    experts = Collection.open("tiny", shipped.data, shipped.configs).experts
    scores = experts.videos.scores(experts.query("something red"))
    colours = [number % 4 for number in range(14)]
    assert {colours[row] for row in scores.argsort()[-4:]} == {0}, "red ones first"
