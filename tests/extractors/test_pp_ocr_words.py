import json

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from extractors.networks import pp_ocr
from extractors.networks.pretrained import quiet
from extractors.pp_ocr_words import Expert, Params
from extractors.text.hashed_words import EncoderParams, vectors
from pipeline.errors import WeightsError
from pipeline.weights.files import WeightOptions, WeightSource

REVISION = "0123456789abcdef0123456789abcdef01234567"
NAMES = {"detector": f"transformers/me/det@{REVISION}", "recogniser": "transformers/me/rec"}


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A cache of weights with both repositories in the form of the hub: one at a commit, one at none."""
    cache = tmp_path_factory.mktemp("released")
    for networks, folder in zip(pp_ocr.stand_ins(), (f"me/det/{REVISION[:12]}", "me/rec"), strict=True):
        with quiet():
            networks.network.save_pretrained(cache / folder)
            networks.processor.save_pretrained(cache / folder)
    return WeightSource(WeightOptions(cache, offline=True))


def made(source, **params):
    settings = {**NAMES, "detector_px": 64, "min_confidence": 0.0} | params
    expert = Expert(Params(**settings), source)
    expert.load("cpu")
    return expert


def test_it_reads_what_its_two_repositories_read(released):
    frames = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.uint8)
    expected = pp_ocr.Reader(*pp_ocr.stand_ins(), "cpu", 64).read(frames)
    found = made(released).embed(frames)
    told = [(number, word) for number, lines in enumerate(expected) for line in lines for word in line.text.split()]
    assert len(told) > 3
    assert found.extras["text"].tolist() == [word for _, word in told]
    assert found.item_index.tolist() == [number for number, _ in told]
    np.testing.assert_array_equal(found.values, vectors([word for _, word in told], EncoderParams()))
    assert found.extras["box_px"].shape == (len(told), 4)


def test_lines_of_which_it_is_less_sure_are_dropped(released):
    frames = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3)).astype(np.uint8)
    confidence = made(released).embed(frames).extras["confidence"]
    middle = float(np.median(confidence))
    kept = made(released, min_confidence=middle).embed(frames).extras["confidence"]
    np.testing.assert_array_equal(kept, confidence[confidence >= middle])


def test_the_recipe_knows_the_commit_or_what_the_files_hold(released):
    expert = made(released)
    weights = expert.weights
    assert weights.keys() == {f"{part}{end}" for part in NAMES for end in ("", "_config", "_processor")}
    assert all(weights[part].endswith(f"@{REVISION}") == part.startswith("detector") for part in weights)
    assert all(len(weights[part].partition("@")[0]) == 64 for part in weights), "the sha256 of what lies there"
    assert (
        expert.published_file("detector").address
        == f"https://huggingface.co/me/det/resolve/{REVISION}/model.safetensors"
    )


@pytest.mark.parametrize(("which", "folder"), [("detector", f"me/det/{REVISION[:12]}"), ("recogniser", "me/rec")])
@pytest.mark.parametrize(("change", "says"), [("missing", "no file holds"), ("unused", "does not have")])
def test_a_tensor_that_is_missing_or_one_too_many_is_refused_by_name(released, tmp_path, which, folder, change, says):
    cache = released.options.cache
    for path in [path for path in cache.rglob("*") if path.is_file()]:
        copy = tmp_path / path.relative_to(cache)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    path = tmp_path / folder / "model.safetensors"
    tensors = load_file(path)
    name = next(name for name in tensors if name.endswith("weight"))
    if change == "missing":
        del tensors[name]
    else:
        name = "extra.weight"
        tensors[name] = tensors[next(iter(tensors))].clone()
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=f"{path}: tensors .*{says}: {name}"):
        made(WeightSource(WeightOptions(tmp_path, offline=True)))


def test_the_processor_of_the_recogniser_brings_its_characters(released):
    told = json.loads((released.options.cache / "me/rec/preprocessor_config.json").read_text())
    assert told["character_list"] == list(pp_ocr.STAND_IN_LETTERS), "as the released ones carry theirs"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"detector": "me/det"}, "must be transformers/<owner>/<name>"),
        ({"recogniser": "transformers/me/rec@main"}, "must be a commit"),
        ({"fps": 0.0}, "fps must be above 0"),
        ({"detector_px": 8}, "at least 32"),
        ({"min_confidence": 1.5}, "must be in 0..1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        Params(**{**NAMES, **wrong})
