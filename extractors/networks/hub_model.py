"""Models, tokenizers and processors that transformers loads from a Hugging Face repository, pinned to a commit.

They see a folder that holds the verified files and nothing else: no code of the repository is run, no pickle is read,
and nothing is downloaded meanwhile. A checkpoint must fit its network tensor for tensor.
"""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from extractors.networks.base import NetworkPlugin
from extractors.networks.hub import COMMIT, file_at, read_config, repository
from extractors.networks.pe_av_ties import leave_out_tables
from extractors.networks.pretrained import folder_of, network_in, processor_in
from extractors.networks.shards import check_index, in_shards
from pipeline import config
from pipeline.errors import WeightsError
from pipeline.weights.files import WeightFile

MODEL = {"network": "model.safetensors", "config": "config.json"}
TOKENIZER = {"tokenizer": "tokenizer.json", "tokenizer_config": "tokenizer_config.json"}


@dataclass(frozen=True)
class HubParams:
    """Which files of the Hugging Face hub a network is made of."""

    __pydantic_config__ = config.STRICT
    network: str
    """transformers/<owner>/<name> on the hub."""
    revision: str
    """Commit of that repository, 40 hex digits: a branch may have other weights tomorrow."""
    dim: int
    """D of the common space of the network's towers."""
    shards: int = field(default=0, kw_only=True)
    """In how many files the repository has the tensors; 0: in one, `model.safetensors`."""

    def __post_init__(self) -> None:
        repository(self.network)  # raises ValueError for another form
        if "@" in self.network:
            raise ValueError(f"network {self.network!r}: name its commit as revision")
        if not COMMIT.fullmatch(self.revision):
            raise ValueError(f"revision {self.revision!r} must be a commit of the repository, 40 hex digits")
        if self.dim < 1 or self.shards < 0:
            raise ValueError("dim must be above 0, and shards not below it")


class HubPlugin(NetworkPlugin):
    """An extractor or text encoder whose network transformers loads from the files of one repository."""

    params: HubParams
    more_files: Mapping[str, str] = {}
    """Part -> file in the repository, beside those of the model."""

    @property
    def repository_files(self) -> dict[str, str]:
        """Part -> file in the repository."""
        return in_shards(MODEL | dict(self.more_files), self.params.shards)

    @property
    def published_names(self) -> Mapping[str, str]:
        """The same name for all."""
        return dict.fromkeys(self.repository_files, f"{self.params.network}@{self.params.revision}")

    def published_file(self, part: str) -> WeightFile:
        """At the commit."""
        return file_at(f"{self.params.network}@{self.params.revision}", self.repository_files[part])

    def file_without_library(self, part: str) -> WeightFile | None:
        """The same."""
        return self.published_file(part)

    def repository_folder(self) -> AbstractContextManager[Path]:
        """Context with a folder that holds the files of all parts under their names; WeightsError if one is missing."""
        named = {part: self.source.files.get(part) for part in self.repository_files}
        by_user = {part: Path(file.file or urlsplit(file.url).path).name for part, file in named.items() if file}
        return folder_of(self, self.repository_files | by_user)


def load_config(plugin: HubPlugin, kinds: Collection[str]) -> Any:
    """The configuration in the plugin's config.json; WeightsError unless it is of one of these model types."""
    path = plugin.weight_path("config")
    settings = read_config(path)
    if settings.model_type not in kinds:
        module = type(plugin).__module__.rpartition(".")[2]
        raise WeightsError(f"{path}: a {settings.model_type} model; {module} reads {', '.join(sorted(kinds))}")
    return settings


def load_model(plugin: HubPlugin, kinds: Collection[str], unused: str = "") -> Any:
    """The model of the plugin's repository in float32 on the CPU, of one of the model types `kinds`.

    WeightsError where a tensor of the network is in no file, or one of the files is not of the network, by their names;
    those whose names match the pattern `unused` whole may be left over.
    """
    from transformers import AutoModel

    if load_config(plugin, kinds).model_type.startswith("pe_"):
        leave_out_tables()
    with plugin.repository_folder() as folder:
        check_index(folder, plugin.repository_files, _called(plugin))
        return network_in(folder, AutoModel, _called(plugin), unused=unused)


def load_tokenizer(plugin: HubPlugin) -> Any:
    """The tokenizer of the repository, a fast one; WeightsError if there is none that transformers can build."""
    from transformers import AutoTokenizer

    return _loaded(plugin, AutoTokenizer)


def load_feature_extractor(plugin: HubPlugin) -> Any:
    """What the repository makes of sound; WeightsError if it is nothing that transformers can build."""
    from transformers import AutoFeatureExtractor

    return _loaded(plugin, AutoFeatureExtractor)


def load_processor(plugin: HubPlugin) -> Any:
    """What the repository makes of texts, pictures and sound, with its chat template; WeightsError as above."""
    from transformers import AutoProcessor

    return _loaded(plugin, AutoProcessor)


def _loaded(plugin: HubPlugin, auto: Any) -> Any:
    with plugin.repository_folder() as folder:
        return processor_in(folder, auto, _called(plugin))


def _called(plugin: HubPlugin) -> str:
    return f"{plugin.params.network} at {plugin.params.revision[:12]}"
