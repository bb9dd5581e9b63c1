import json
import re

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from extractors import audio_transformer, fast_speech, language_model, registry
from extractors.networks import hub
from pipeline import config
from pipeline.weights.files import WeightOptions
from tests.extractors.run_experts import EXPERTS

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_name_says_the_repository():
    assert hub.is_hub_name("transformers/me/tiny")
    assert not hub.is_hub_name("ViT-B-32.openai")
    assert hub.repository("transformers/me/tiny") == "me/tiny"


def test_a_name_may_say_the_commit():
    name = f"transformers/me/tiny@{COMMIT}"
    assert hub.repository(name) == "me/tiny"
    file = hub.weight_file(name, "config")
    assert file.address == f"https://huggingface.co/me/tiny/resolve/{COMMIT}/config.json"
    assert file.cached_as == "me/tiny/0123456789ab/config.json"
    for wrong in ("main", "", COMMIT.upper(), COMMIT[:12]):
        with pytest.raises(ValueError, match="behind the @ must be a commit of the repository, 40 hex digits"):
            hub.repository(f"transformers/me/tiny@{wrong}")


def test_every_shipped_yaml_with_a_repository_pins_its_files_or_has_what_they_hold_in_its_recipe(tmp_path):
    """By a commit or a checksum; a new YAML that does neither fails here."""
    options, unpinned = WeightOptions(tmp_path, offline=True), set()
    for kind, make in (("experts", registry.expert), ("text", registry.text)):
        folder = EXPERTS.parent / kind
        for name in config.names(folder):
            if not re.search(rf"^[^#\n]*: {hub.PREFIX}", (folder / f"{name}.yaml").read_text(encoding="utf-8"), re.M):
                continue
            plugin = getattr(make(name, folder, options), "extractor" if kind == "experts" else "encoder")
            if loose := [part for part, file in plugin.weight_files().items() if not (file.revision or file.is_pinned)]:
                unpinned.add((kind, name))
                assert sorted(plugin.unknown_parts()) == sorted(loose), "their content is part of the recipe"
    assert unpinned == set()


@pytest.mark.parametrize("name", ["me/tiny", "transformers/tiny", "transformers/me/tiny/more", "transformers//tiny"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(ValueError, match="must be transformers/<owner>/<name>"):
        hub.repository(name)


@pytest.mark.parametrize(
    ("told", "filler"),
    [({"pad_token": "<pad>"}, 2), ({"pad_token": {"content": "</s>", "lstrip": True}}, 1), ({}, 0)],
)
def test_texts_are_filled_up_with_the_token_that_is_told_in_either_form(tmp_path, told, filler):
    tokenizer = Tokenizer(models.WordLevel({"?": 0, "</s>": 1, "<pad>": 2, "cat": 3}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_padding(length=9)  # what the file says of it does not count
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(told))
    paths = tmp_path / "tokenizer.json", tmp_path / "tokenizer_config.json"
    assert hub.read_padding_tokenizer(*paths, 3).encode("cat").ids == [3, filler, filler]
    assert hub.read_padding_tokenizer(*paths, 3).encode("cat " * 5).ids == [3, 3, 3]
    assert hub.read_tokenizer(paths[0], 2).encode("cat").ids == [3]


def test_heads_are_dropped_with_the_prefix_of_the_body():
    file = {"bert.encoder.LayerNorm.gamma": 1, "cls.predictions.bias": 2, "encoder.weight": 3}
    names = ["encoder.LayerNorm.weight", "encoder.weight"]
    assert hub.without_head(file, names) == {"encoder.LayerNorm.weight": 1, "encoder.weight": 3}


def test_a_stand_in_has_an_id_for_each_word_that_does_not_change():
    ids = hub.stand_in_ids("The cat, the hat", 1000)
    assert len(ids) == 4
    assert ids[0] == ids[2]
    assert all(0 <= number < 1000 for number in ids)


@pytest.mark.parametrize(
    "made",
    [
        lambda network: language_model.Encoder(language_model.EncoderParams(network=network)),
        lambda network: fast_speech.Expert(fast_speech.Params(network=network)),
        lambda network: audio_transformer.Expert(audio_transformer.Params(network=network)),
    ],
)
def test_a_network_that_is_named_without_its_library_is_pinned_to_a_commit_too(made):
    commit = "0123456789abcdef0123456789abcdef01234567"
    files = made(f"me/tiny@{commit}").weight_files().values()
    assert files and all(f"huggingface.co/me/tiny/resolve/{commit}/" in file.address for file in files)
    assert all(
        "huggingface.co/me/tiny/resolve/main/" in file.address for file in made("me/tiny").weight_files().values()
    )
    with pytest.raises(ValueError, match="behind the @ must be a commit"):
        made("me/tiny@main")
