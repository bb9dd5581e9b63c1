"""Networks and processors that transformers builds from a folder with the files of a repository, all of them verified.

No code of the repository is run, no pickle is read, and no hub is asked.
"""

import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from extractors.networks.base import NetworkPlugin
from pipeline.errors import WeightsError

MOST_NAMED = 3
"""Tensors that an error names."""


@contextmanager
def folder_of(plugin: NetworkPlugin, files: Mapping[str, str]) -> Iterator[str]:
    """Context with a folder that has the plugin's files under the names (part -> name) that the library looks for.

    Links to verified files keep it from asking a hub for one that is not there.
    """
    with tempfile.TemporaryDirectory(prefix="network-") as folder:
        for part, name in files.items():
            (Path(folder) / name).symlink_to(plugin.weight_path(part).resolve())
        yield folder


def network_in(folder: str, auto: Any, path: Path, kinds: Collection[str] = (), unused: str = "") -> Any:
    """The network in the folder by `auto`, a class such as AutoModel; in float32 on the CPU, without gradients.

    WeightsError, which names `path`, where it is no such network, its model type is not among `kinds`, a tensor of it
    is in no file, or one of the file is not of it; those whose whole names match `unused` may be left over.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # it tells of tensors that are checked below
    try:
        network, told = auto.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype="float32",
            output_loading_info=True,
        )  # fmt: skip
    except Exception as error:  # files of another kind, or hostile ones, break the library in a hundred ways
        raise WeightsError(f"{path}: no network of this kind: {str(error)[:500]}") from None
    finally:
        logging.set_verbosity(verbosity)
    if kinds and network.config.model_type not in kinds:
        raise WeightsError(f"{path}: a {network.config.model_type} model, where one of {', '.join(kinds)} is read")
    left = [name for name in told["unexpected_keys"] if not (unused and re.fullmatch(unused, name))]
    for names, why in ((told["missing_keys"], "lacks tensors"), (left, "has tensors that are not of the network")):
        if names:
            some = sorted(map(str, names))[:MOST_NAMED]
            raise WeightsError(f"{path}: {why}: {', '.join(some)}{', ...' if len(names) > MOST_NAMED else ''}")
    return network.eval().requires_grad_(False)


def processor_in(folder: str, auto: Any, path: Path) -> Any:
    """What the folder makes of pictures, sound and text by `auto`, a class such as AutoProcessor; errors as above."""
    try:
        return auto.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # as above
        raise WeightsError(f"{path.parent}: no processor of this kind: {str(error)[:500]}") from None
