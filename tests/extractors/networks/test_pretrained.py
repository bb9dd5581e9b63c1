import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoImageProcessor, AutoModel, BertConfig, BertModel

from extractors import language_model
from extractors.networks.pretrained import folder_of, network_in, processor_in
from pipeline.errors import WeightsError
from pipeline.weights.files import WeightOptions, WeightSource

FILES = {"network": "model.safetensors", "tokenizer": "config.json"}


@pytest.fixture
def plugin(tmp_path):
    """One whose parts are the two files of a tiny BERT."""
    folder = tmp_path / "me" / "tiny"
    BertModel(
        BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    ).save_pretrained(folder)
    (folder / "config.json").rename(folder / "tokenizer.json")  # the plugin calls its second part so
    return language_model.Encoder(language_model.EncoderParams("me/tiny"), WeightSource(WeightOptions(tmp_path)))


def loaded(plugin, **kept):
    with folder_of(plugin, FILES) as folder:
        return network_in(folder, AutoModel, plugin.weight_path("network"), **kept)


def test_a_network_is_loaded_from_links_in_a_folder_of_its_own(plugin):
    network = loaded(plugin)
    tensors = load_file(plugin.weight_path("network"))
    assert all(torch.equal(tensors[name], tensor) for name, tensor in network.state_dict().items())
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    with pytest.raises(WeightsError, match=r"model\.safetensors: a bert model, where one of vit is read"):
        loaded(plugin, kinds=("vit",))


def test_what_is_left_over_is_named_unless_it_is_expected(plugin):
    path = plugin.weight_path("network")
    more = {f"head.{number}": torch.zeros(1) for number in range(5)}
    save_file(load_file(path) | more, path, {"format": "pt"})
    plugin.source.contents.clear()
    with pytest.raises(WeightsError, match=r"that the network does not have: head\.0, head\.1, head\.2 and 2 more"):
        loaded(plugin)
    assert loaded(plugin, unused=r"head\..*").config.hidden_size == 8


@pytest.mark.parametrize("junk", [b"", b"\xff" * 9, b"{}"])
def test_junk_is_one_line(plugin, junk):
    plugin.weight_path("network").write_bytes(junk)
    plugin.source.contents.clear()
    with pytest.raises(WeightsError, match=r"^[^\n]*model\.safetensors: no network of this kind[^\n]*$"):
        loaded(plugin)
    with folder_of(plugin, FILES) as folder, pytest.raises(WeightsError, match="no processor of this kind"):
        processor_in(folder, AutoImageProcessor, plugin.weight_path("tokenizer"))
