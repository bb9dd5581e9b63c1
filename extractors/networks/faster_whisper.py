"""Whisper in CTranslate2's format, run by faster-whisper: its files, its construction, and a stand-in for it."""

import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from extractors.networks import hub
from extractors.networks.base import NetworkPlugin
from extractors.networks.ctranslate2_file import check_whisper
from pipeline.errors import ExtractionError
from pipeline.weights.files import WeightFile

_FILES = {"network": "model.bin", "config": "config.json", "tokenizer": "tokenizer.json"}


class Word(NamedTuple):
    """A word as faster-whisper gives it."""

    word: str
    start: float
    """Seconds, as `end`."""
    end: float
    probability: float


class Segment(NamedTuple):
    """The fields of faster-whisper's segments that are used."""

    words: list[Word]
    compression_ratio: float


def files_of(repository: str) -> dict[str, str]:
    """Part of the weights -> its file in a repository of a Whisper model in CTranslate2's format.

    From large-v3 on the vocabulary is JSON, and a file of its own says that the network takes 128 bands.
    """
    if "large-v3" in repository:
        return _FILES | {"vocabulary": "vocabulary.json", "preprocessor": "preprocessor_config.json"}
    return _FILES | {"vocabulary": "vocabulary.txt"}


def weight_file(repository: str, part: str) -> WeightFile:
    """The file of a part in the repository on the hub, and in that folder of the cache."""
    return hub.pinned_file(repository, files_of(repository)[part])


def build(plugin: NetworkPlugin, device: str, compute_type: str) -> Any:
    """faster-whisper's WhisperModel of the plugin's weights, on "cpu" or "cuda:<n>".

    ExtractionError where the files are no such model, or the device cannot compute in that type; WeightsError where a
    tensor is missing or one too many.
    """
    import torch
    from faster_whisper import WhisperModel

    # CTranslate2 sets OpenMP's number of threads, and with it that of torch, on which the rounding of other experts of
    # the same pass depends.
    threads = torch.get_num_threads()
    kind, _, number = device.partition(":")
    check_whisper(plugin.weight_path("network"))
    # The library wants a folder. Links to verified files keep it from asking a hub for one that is not there.
    with tempfile.TemporaryDirectory(prefix="whisper-") as folder:
        for part, name in files_of(plugin.params.network).items():
            (Path(folder) / name).symlink_to(plugin.weight_path(part).resolve())
        try:
            return WhisperModel(
                folder, kind, int(number or 0), compute_type, cpu_threads=threads, local_files_only=True
            )
        except (RuntimeError, ValueError) as error:
            network = plugin.params.network
            raise ExtractionError(
                f"network {network}: no Whisper model of {compute_type} on {device}: {error}"
            ) from None


class StandIn:
    """Hears a made-up word in each second that is not silent: CTranslate2 has no network without weights."""

    def transcribe(self, audio: NDArray[np.float32], **_: Any) -> tuple[Iterator[Segment], Any]:
        """As WhisperModel.transcribe, of 16 kHz samples (S,)."""
        seconds = [audio[start : start + 16000] for start in range(0, len(audio), 16000)]
        words = [
            Word(f"word{zlib.crc32(second.tobytes()) % 1000}", float(start_s), start_s + 1.0, 0.5)
            for start_s, second in enumerate(seconds)
            if np.abs(second).max(initial=0) > 0
        ]
        return iter([Segment(words, 1.0)]), StandInInfo("en")


class StandInInfo(NamedTuple):
    """The field of faster-whisper's TranscriptionInfo that is used."""

    language: str
