"""Networks and processors that transformers builds from a folder with the files of a repository, all of them verified.

No code of the repository is run, no pickle is read, and no hub is asked. A checkpoint must fit its network tensor for
tensor.
"""

import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from extractors.networks.base import NetworkPlugin
from pipeline.errors import WeightsError, in_one_line

MOST_NAMED = 3
"""Tensors that an error names."""


@contextmanager
def folder_of(plugin: NetworkPlugin, files: Mapping[str, str]) -> Iterator[Path]:
    """Context with a folder that has the plugin's files under the names (part -> name) that the library looks for.

    Links to verified files keep it from asking a hub for one that is not there. WeightsError if one is missing.
    """
    with tempfile.TemporaryDirectory(prefix="network-") as folder:
        for part, name in files.items():
            (Path(folder) / name).symlink_to(plugin.weight_path(part).resolve())
        yield Path(folder)


def network_in(folder: Path, auto: Any, called: object, kinds: Collection[str] = (), unused: str = "") -> Any:
    """The network in the folder by `auto`, a class such as AutoModel; in float32 on the CPU, without gradients.

    WeightsError, which begins with `called`, where it is no such network, its model type is not among `kinds`, a tensor
    of it is in no file or of another shape there, or one of the files is not of it; those whose whole names match
    `unused` may be left over.
    """
    with quiet():
        try:
            network, told = auto.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype="float32",
                output_loading_info=True, ignore_mismatched_sizes=True,
            )  # fmt: skip
        except Exception as error:  # files of another kind, or hostile ones, break the library in a hundred ways
            raise WeightsError(f"{called}: no network of this kind: {in_one_line(error)[:500]}") from None
    if kinds and network.config.model_type not in kinds:
        raise WeightsError(f"{called}: a {network.config.model_type} model, where one of {', '.join(kinds)} is read")
    left = [name for name in told["unexpected_keys"] if not (unused and re.fullmatch(unused, name))]
    refuse(called, "tensors of the network that no file holds", told["missing_keys"])
    refuse(called, "tensors in the files that the network does not have", left)
    refuse(called, "tensors of another shape than in the network", told["mismatched_keys"])
    return network.eval().requires_grad_(False)


def processor_in(folder: Path, auto: Any, called: object) -> Any:
    """What the folder makes of pictures, sound and text by `auto`, a class such as AutoProcessor; errors as above."""
    with quiet():
        try:
            return auto.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except Exception as error:  # as above
            raise WeightsError(f"{called}: no processor of this kind: {in_one_line(error)[:500]}") from None


@contextmanager
def quiet() -> Iterator[None]:
    """Context without the progress bars and reports of transformers, whose findings are read from what it returns."""
    from transformers.utils import logging

    verbosity, had_bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if had_bar:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def refuse(called: object, what: str, names: Collection[Any]) -> None:
    """WeightsError with the first of the tensors, if there are any."""
    if names:
        told = sorted(name if isinstance(name, str) else str(name[0]) for name in names)
        more = f" and {len(told) - MOST_NAMED} more" if len(told) > MOST_NAMED else ""
        raise WeightsError(f"{called}: {what}: {', '.join(told[:MOST_NAMED])}{more}")
