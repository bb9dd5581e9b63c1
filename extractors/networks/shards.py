"""Networks of the Hugging Face hub whose tensors are in several files, with an index that says which is in which."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import WeightsError, in_one_line
from pipeline.plain_data import parse_json

INDEX = "model.safetensors.index.json"
"""In place of `model.safetensors` where the tensors are in several files."""


def in_shards(files: Mapping[str, str], shards: int) -> dict[str, str]:
    """Part -> file of a repository, with the index as the part `network` and a part for each of the `shards`.

    With 0 shards the tensors are in one file, and the parts are those of `files`.
    """
    if not shards:
        return dict(files)
    names = {f"shard_{number}": f"model-{number:05}-of-{shards:05}.safetensors" for number in range(1, shards + 1)}
    return {**files, "network": INDEX, **names}


def check_index(folder: Path, files: Mapping[str, str], called: str) -> None:
    """WeightsError unless the index in the folder names the very shards of `files`: another name may lead anywhere."""
    path = folder / INDEX
    if not path.exists():
        return
    expected = {name for part, name in files.items() if part.startswith("shard_")}
    try:
        named = set(parse_json(path.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise WeightsError(f"{called}: {INDEX}: no index of tensors: {in_one_line(error)}") from None
    if named != expected:
        raise WeightsError(f"{called}: {INDEX} names {len(named)} files; params.shards says {len(expected)}")
