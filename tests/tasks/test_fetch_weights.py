"""What a run needs of weights is said once, for all of its stages, before any of them works."""

import shutil

import pytest
import yaml

from extractors import face_identity, spoken_words
from extractors.extraction import one_pass
from pipeline.weights.files import WeightFile, WeightOptions
from tasks import EvaluateCE, ExtractExpert, FetchWeights
from tests.tasks.project import CONFIGS


@pytest.fixture
def networks(project):
    """The project with two experts and a text encoder whose weights are nowhere."""
    for name in ("clip_siglip2", "face"):
        project.copy_config("experts", name)
    project.copy_config("text", "gpt")
    project.edit("models", "tiny", experts=["clip_siglip2", "face", "rgb_light"], text="gpt")
    return project


OFFLINE = ("--Weights-offline",)
FILES = {
    "google/siglip2-base-patch16-224/75de2d55ec2d/model.safetensors",
    "google/siglip2-base-patch16-224/75de2d55ec2d/config.json",
    WeightOptions().path(face_identity.RELEASED).relative_to(WeightOptions().cache).as_posix(),
    "openai-community/openai-gpt/model.safetensors",
    "openai-community/openai-gpt/tokenizer.json",
}


def test_one_error_lists_the_files_of_all_experts_and_of_the_text_encoder(networks):
    parts = networks.feature_parts("rgb_light")
    code, output, errors = networks.run_command("EvaluateCE", "--dataset", "tiny", *OFFLINE)
    assert code == 30
    assert errors.count("ERROR") == 1
    assert "5 files of weights are not here and could not be had:" in errors
    assert all(f"-> {networks.data / 'weights' / name}: [Weights] offline is set" in errors for name in FILES)
    assert "(1501 MB) ->" in errors
    assert "(111.9 MB) ->" in errors
    assert "Traceback" not in errors
    assert "Extracting" not in output
    assert networks.feature_parts("rgb_light") == parts


def attempt(project, task, **params):
    from luigi.configuration import get_config

    get_config().set("Weights", "offline", "true")
    try:
        return project.attempt(task, **params)
    finally:
        get_config().remove_section("Weights")


def test_no_video_is_decoded_and_nothing_is_looked_into_before(networks, monkeypatch):
    monkeypatch.setattr(one_pass, "prepare_piece", lambda segment: pytest.fail("decoded"))
    (networks.videos / "new.mp4").write_bytes(b"x")
    ran, worked = attempt(networks, EvaluateCE, dataset="tiny")
    assert not worked
    assert ran[0] == "FetchWeights"
    assert not any(name.startswith(("ExtractExpert", "EncodeText")) for name in ran)


def test_what_is_there_already_needs_no_weights(networks):
    networks.edit("models", "tiny", experts=["rgb_light", "speech_light"], text="words_hashed")
    assert attempt(networks, EvaluateCE, dataset="tiny") == ([], True)


def test_files_that_are_here_are_not_fetched(networks):
    with networks.process():
        for name in FILES:
            path = networks.data / "weights" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        assert FetchWeights("experts/clip_siglip2,text/gpt").complete()
        assert not FetchWeights("experts/face").complete(), "its checksum is known, and it is another one"


def test_experts_that_need_no_file_are_not_held_up_by_others(networks):
    ran, worked = attempt(networks, ExtractExpert, dataset="tiny", expert="rgb_light")
    assert (ran, worked) == ([], True)


def test_stand_ins_need_no_file(networks):
    yaml_body = yaml.safe_load((CONFIGS / "experts" / "face.yaml").read_text(encoding="utf-8"))
    networks.write_config("experts", "face", yaml_body | {"weights": "seeded"})
    with networks.process():
        assert FetchWeights("experts/face,experts/rgb_light,text/words_hashed").complete()


def test_a_store_that_was_made_elsewhere_needs_no_weights(project, monkeypatch):
    """Also where the folder has still to be looked into, and so nobody knows yet whether a video is new."""
    missing = {"network": WeightFile("http://nowhere.invalid/net.pth")}
    monkeypatch.setattr(spoken_words.Expert, "weight_files", lambda expert: missing)
    shutil.rmtree(project.data / "store" / "manifests")
    assert attempt(project, EvaluateCE, dataset="tiny") == (["BuildManifest"], True)
    project.add_video("new.mp4", 21, "test")
    project.write_captions()
    ran, worked = attempt(project, EvaluateCE, dataset="tiny")
    assert not worked
    assert ran == ["BuildManifest", "FetchWeights", "EncodeText"]


def test_a_network_of_no_kind_is_one_clear_line(project):
    code, _, errors = project.run_command("FetchWeights", "--networks", "models/ce")
    assert code != 0
    assert "--networks models/ce: must be experts/<name> or text/<name>" in errors
    assert "Traceback" not in errors


def test_weights_that_nobody_knows_are_one_clear_line(project):
    yaml_body = yaml.safe_load((CONFIGS / "experts" / "motion.yaml").read_text(encoding="utf-8"))
    del yaml_body["weights"]
    project.write_config("experts", "motion", yaml_body)
    code, output, errors = project.run_command("ExtractExpert", "--dataset", "tiny", "--expert", "motion")
    assert code != 0
    assert errors.count("ERROR") == 1
    assert "no library has weights of i3d: name a file under weights: network:" in errors
    assert "Traceback" not in errors
    assert "Extracting" not in output
