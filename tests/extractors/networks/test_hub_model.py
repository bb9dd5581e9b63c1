import json

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from extractors import registry
from extractors.networks import pe_av_ties
from extractors.networks.hub_model import load_model, load_processor, load_tokenizer
from extractors.networks.shards import INDEX
from extractors.video_text import Encoder, EncoderParams, Expert, Params
from pipeline.errors import ConfigError, WeightsError
from tests.extractors.hub_folder import NAME, REVISION, folder_of, num_shards, release
from tests.extractors.private_api import assert_there

KINDS = {"xclip"}
SIZES = {"dim": 16, "size_px": 64, "num_frames": 2}
AT = f"{NAME} at {REVISION[:12]}"


@pytest.fixture
def released(tmp_path):
    return release(tmp_path, "xclip", max_tokens=8, **SIZES)


def expert_of(source, **changed):
    return Expert(Params(NAME, REVISION, **SIZES, **changed), source)


def edit(folder, change):
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def test_the_model_has_the_tensors_of_the_file(released):
    model, source = released
    loaded = load_model(expert_of(source), KINDS).state_dict()
    assert loaded.keys() == model.state_dict().keys()
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(loaded[name], tensor, rtol=0, atol=0)


def test_tensors_in_several_files_are_the_same(tmp_path):
    model, source = release(tmp_path, "xclip", shards=True, max_tokens=8, **SIZES)
    shards = num_shards(tmp_path)
    assert shards > 2
    expert = expert_of(source, shards=shards)
    assert len(expert.weight_files()) == shards + 2, "the index and the configuration too"
    loaded = load_model(expert, KINDS).state_dict()
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(loaded[name], tensor, rtol=0, atol=0)


def test_all_files_are_those_of_the_commit(released):
    expert = expert_of(released[1])
    files = Encoder(EncoderParams(NAME, REVISION, 16, 8), released[1]).weight_files()
    assert expert.weight_files().items() <= files.items()
    assert {file.address for file in files.values()} == {
        f"https://huggingface.co/me/tiny/resolve/{REVISION}/{name}"
        for name in ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json")
    }
    assert all(identity.endswith(f"@{REVISION}") for identity in expert.weights.values())


@pytest.mark.parametrize("revision", ["", "main", "0123456", REVISION.upper()])
def test_a_branch_is_no_revision(revision):
    with pytest.raises(ValueError, match=r"revision '.*' must be a commit of the repository, 40 hex digits"):
        Params(NAME, revision, **SIZES)


def test_a_yaml_without_a_revision_is_one_line_that_names_it(tmp_path):
    told = {"extractor": "video_text", "modality": "rgb", "params": {"network": NAME, **SIZES}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(told))
    with pytest.raises(ConfigError, match=r"mine.yaml: params: .*'revision'") as caught:
        registry.expert("mine", tmp_path)
    assert "\n" not in str(caught.value)


def test_a_tensor_that_no_file_holds_is_named(released, tmp_path):
    edit(folder_of(tmp_path), lambda tensors: tensors.pop("visual_projection.weight"))
    with pytest.raises(
        WeightsError, match=f"{AT}: tensors of the network that no file holds: visual_projection.weight"
    ):
        load_model(expert_of(released[1]), KINDS)


def test_tensors_that_the_network_does_not_have_are_named(released, tmp_path):
    edit(folder_of(tmp_path), lambda tensors: tensors.update({f"more.{one}": torch.ones(1) for one in "abcde"}))
    with pytest.raises(WeightsError, match=r"does not have: more\.a, more\.b, more\.c and 2 more"):
        load_model(expert_of(released[1]), KINDS)
    assert load_model(expert_of(released[1]), KINDS, unused=r"more\..")


def test_a_tensor_of_another_shape_is_refused(released, tmp_path):
    edit(folder_of(tmp_path), lambda tensors: tensors.update({"visual_projection.weight": torch.ones(3, 32)}))
    with pytest.raises(WeightsError, match=f"{AT}: .*visual_projection.weight"):
        load_model(expert_of(released[1]), KINDS)


@pytest.mark.parametrize("outside", ["../../secret.safetensors", "/etc/secret.safetensors", "model-9.safetensors"])
def test_an_index_that_leads_elsewhere_is_refused(tmp_path, outside):
    _, source = release(tmp_path, "xclip", shards=True, max_tokens=8, **SIZES)
    path = folder_of(tmp_path) / INDEX
    told = json.loads(path.read_text())
    told["weight_map"][next(iter(told["weight_map"]))] = outside
    path.write_text(json.dumps(told))
    shards = num_shards(tmp_path)
    with pytest.raises(WeightsError, match=f"{INDEX} names {shards + 1} files; params.shards says {shards}"):
        load_model(expert_of(source, shards=shards), KINDS)
    path.write_text("[]")
    with pytest.raises(WeightsError, match="no index of tensors"):
        load_model(expert_of(source, shards=shards), KINDS)


def test_files_beside_the_named_ones_are_not_seen(released, tmp_path):
    """An adapter would be put on the network, and a pickle run."""
    folder = folder_of(tmp_path)
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    (folder / "pytorch_model.bin").write_bytes(b"no pickle")
    assert load_model(expert_of(released[1]), KINDS)
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"model.safetensors: not there"):
        load_model(expert_of(released[1]), KINDS)


def test_code_of_a_repository_is_not_run(released, tmp_path):
    folder = folder_of(tmp_path)
    told = json.loads((folder / "config.json").read_text())
    told["auto_map"] = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    (folder / "config.json").write_text(json.dumps(told))
    (folder / "evil.py").write_text("raise SystemExit('run')")
    assert type(load_model(expert_of(released[1]), KINDS)).__name__ == "XCLIPModel"


@pytest.mark.parametrize("damage", [b"", b"\xff" * 64, b"{}"])
def test_a_file_that_holds_no_tensors_is_one_clear_line(released, tmp_path, damage):
    (folder_of(tmp_path) / "model.safetensors").write_bytes(damage)
    with pytest.raises(WeightsError, match=AT) as caught:
        load_model(expert_of(released[1]), KINDS)
    assert "\n" not in str(caught.value)


def test_a_model_of_another_kind_is_refused(released):
    with pytest.raises(WeightsError, match=r"config.json: a xclip model; video_text reads clap, videoprism"):
        load_model(expert_of(released[1]), {"videoprism", "clap"})


def test_a_tokenizer_or_processor_that_cannot_be_built_is_one_clear_line(released, tmp_path):
    encoder = Encoder(EncoderParams(NAME, REVISION, 16, 8), released[1])
    assert load_tokenizer(encoder)("a dog")["input_ids"]
    (folder_of(tmp_path) / "tokenizer.json").write_text("{}")
    for load in (load_tokenizer, load_processor):
        with pytest.raises(WeightsError, match=AT):
            load(encoder)


def test_the_tables_that_a_pe_av_must_not_tie_are_left_out():
    from transformers import PeAudioVideoModel

    assert_there(PeAudioVideoModel, "_tied_weights_keys", "extractors/networks/pe_av_ties.py widens its patterns")
    pe_av_ties.leave_out_tables()
    pe_av_ties.leave_out_tables()
    assert_there("transformers.utils.auto_docstring", "auto_docstring", "extractors/networks/pe_av_ties.py hushes it")
    assert all("rope.pos_embed" not in pattern for pattern in str(PeAudioVideoModel._tied_weights_keys).split(", "))
