"""Weight files that libraries know by name: URL, checksum, size and licence, from the libraries' own tables."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.errors import WeightsError
from pipeline.weights.files import WeightFile

HUB = "https://huggingface.co"

_WHISPER_MB = {"tiny": 76, "base": 145, "small": 484, "medium": 1528, "large-v3": 3087, "turbo": 1618}
_LICENCES = {
    "google/videoprism": "Apache-2.0",
    "microsoft/xclip": "MIT",
    "laion/": "Apache-2.0",
    "facebook/pe-av": "Apache-2.0",
    "Qwen/Qwen3-VL": "Apache-2.0",
    "PaddlePaddle/PP-OCR": "Apache-2.0",
    "Haon-Chen/e5-omni": "MIT",
}
"""How the names of repositories on the Hugging Face hub begin -> what their pages say of the weights."""
_EASYOCR_MB = {"craft_mlt_25k.pth": 83, "english_g2.pth": 15}


def torchvision_file(network: str, weights: str) -> WeightFile:
    """The weight file of a torchvision network, e.g. ("resnet50", "IMAGENET1K_V1")."""
    from torchvision import models

    try:
        entry: Any = models.get_model_weights(network)[weights]
    except (ValueError, KeyError):
        raise WeightsError(f"torchvision knows no weights {weights!r} of a network {network!r}") from None
    size_mb = float(entry.meta.get("_file_size", 0))
    return WeightFile(entry.url, _checksum_in(entry.url), size_mb, "BSD-3-Clause")


def timm_file(name: str) -> WeightFile:
    """The weight file of a timm network, e.g. "legacy_senet154.in1k"."""
    import timm

    try:
        cfg: Any = timm.get_pretrained_cfg(name, allow_unregistered=False)
    except RuntimeError as error:
        raise WeightsError(f"timm {timm.__version__} knows no {name!r}: {error}") from None
    if cfg is not None and cfg.hf_hub_id:
        file = hub_file(cfg.hf_hub_id, "model.safetensors", licence=cfg.license or "")
        return replace(file, keep_first=True)
    if cfg is not None and cfg.url:
        return WeightFile(cfg.url, _checksum_in(cfg.url), licence=cfg.license or "")
    raise WeightsError(f"timm {timm.__version__} knows no released weights of {name!r}; name a file in the YAML")


def hub_file(repository: str, name: str, size_mb: float = 0.0, licence: str = "") -> WeightFile:
    """A file of a Hugging Face repository; the files of one repository share a folder, as its libraries expect."""
    url = f"{HUB}/{repository}/resolve/main/{name}"
    return WeightFile(url, size_mb=size_mb, licence=licence, place=f"{repository}/{name}")


def hub_licence(repository: str) -> str:
    """What the page of a repository says of its weights; empty where that is not known here."""
    return next((licence for start, licence in _LICENCES.items() if repository.startswith(start)), "")


def open_clip_file(network: str, weights: str) -> WeightFile:
    """The weight file of an image-text network, e.g. ("ViT-B-32", "openai"), in open_clip's own format."""
    import open_clip

    repository = str(open_clip.get_pretrained_cfg(network, weights).get("hf_hub", "")).rstrip("/")
    if not repository:
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(network)) or "none"
        raise WeightsError(f"open_clip knows no weights {weights!r} of {network!r} on the hub; it knows {tags}")
    return replace(hub_file(repository, "open_clip_model.safetensors"), keep_first=True)


def whisper_file(name: str) -> WeightFile:
    """The weight file of a Whisper model, e.g. "base"."""
    urls = _whisper_urls()
    if name not in urls:
        raise WeightsError(f"whisper knows no model {name!r}; there are {', '.join(urls)}")
    sha256, file = Path(urls[name]).parts[-2:]
    return WeightFile(urls[name], sha256, _WHISPER_MB.get(name, 0), "MIT", f"whisper/{file}")


def _whisper_urls() -> dict[str, str]:
    """Model name -> URL, whose folder is the sha256 of the file.

    Private API: whisper lists only the names in public (`available_models`). A test tells when the table vanishes.
    """
    import whisper

    return dict(whisper._MODELS)


def easyocr_file(settings: dict[str, Any]) -> WeightFile:
    """The weight file of one of EasyOCR's networks, from its entry in EasyOCR's own table."""
    name = settings["filename"]
    size_mb = _EASYOCR_MB.get(name, 0)
    md5 = settings.get("md5sum", "")
    return WeightFile(settings["url"], "", size_mb, "Apache-2.0", f"easyocr/{name}", name, md5=md5)


def _checksum_in(url: str) -> str:
    """The first digits of the sha256, which PyTorch by convention appends to the file name; empty without them."""
    found = re.search(r"-([0-9a-f]{8,64})\.pth$", url)
    return found.group(1) if found else ""
