"""Reads what a published checkpoint of Collaborative Experts was trained on, and finds the YAMLs of its experts."""

import functools
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.file_kinds import irregular
from pipeline.plain_data import parse_json
from pipeline.stores.fingerprint import file_sha256

YAMLS = {
    "audio": "released_audio", "face": "released_face", "i3d.i3d.0": "released_i3d",
    "imagenet.resnext101_32x48d.0": "released_imagenet_resnext101",
    "imagenet.senet154.0": "released_imagenet_senet154", "ocr": "released_ocr",
    "r2p1d.r2p1d-ig65m.0": "released_r2p1d_ig65m", "r2p1d.r2p1d-ig65m-kinetics.0": "released_r2p1d_ig65m_kinetics",
    "scene.densenet161.0": "released_scene", "speech": "released_speech",
}  # fmt: skip
"""The authors' name of an expert -> the name of its YAML in configs/experts/, which may have the suffix _miech."""


def modalities(path: Path) -> list[str]:
    """The authors' names of the experts in a published config.json; ConfigError where it is none."""
    if why := irregular(path):
        raise ConfigError(f"--config {path}: {why}")
    try:
        names = parse_json(path.read_text(encoding="utf-8"))["experts"]["modalities"]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise TypeError("experts.modalities must be a list of names")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"--config {path}: no config.json of a published model: {error!r}") from None
    return names


def expert_of(authors_name: str, preferred: tuple[str, ...], known: list[str]) -> str:
    """Name of the YAML of the authors' expert: one of `preferred`, else of `known`; ConfigError where there is none."""
    stem = YAMLS.get(authors_name, "")
    for name in (*preferred, *known):
        if stem and name in {stem, f"{stem}_miech"}:
            return name
    names = ", ".join(YAMLS)
    raise ConfigError(f"the checkpoint's expert {authors_name!r} has no YAML in configs/experts/; known: {names}")


def sha256(path: Path) -> str:
    """SHA-256 of a published file; ConfigError where it is missing."""
    if not path.is_file():
        why = irregular(path) or "no such file"
        raise ConfigError(f"{path}: {why}; the published models are trained_model.pth and config.json")
    return _sha256(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _sha256(path: Path, mtime_ns: int) -> str:
    """Cached while the file does not change: a checkpoint has gigabytes, and Luigi asks several times."""
    return file_sha256(path)
