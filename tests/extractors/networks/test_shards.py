import json

import pytest

from extractors.networks.shards import INDEX, check_index, in_shards
from pipeline.errors import WeightsError

FILES = {"network": "model.safetensors", "config": "config.json"}


def test_the_names_are_those_that_the_hub_gives_to_several_files():
    assert in_shards(FILES, 2) == {
        "network": "model.safetensors.index.json",
        "config": "config.json",
        "shard_1": "model-00001-of-00002.safetensors",
        "shard_2": "model-00002-of-00002.safetensors",
    }
    assert in_shards(FILES, 0) == FILES


def test_an_index_names_the_very_files_that_are_told(tmp_path):
    files = in_shards(FILES, 2)
    check_index(tmp_path, files, "me/tiny")  # one file has no index
    there = {"weight_map": {"a": files["shard_1"], "b": files["shard_2"]}}
    (tmp_path / INDEX).write_text(json.dumps(there))
    check_index(tmp_path, files, "me/tiny")
    with pytest.raises(WeightsError, match=r"me/tiny: .* names 2 files; params.shards says 3"):
        check_index(tmp_path, in_shards(FILES, 3), "me/tiny")
