"""What libraries' own tables say of the files that shipped experts read, so that naming these imports no library.

A test compares each with the table of its library. Files of other networks are looked up there when they are asked for.
"""

from collections.abc import Mapping

from pipeline.weights.files import WeightFile

_TORCH = "https://download.pytorch.org/models"
_EASYOCR = "https://github.com/JaidedAI/EasyOCR/releases/download"
_WHISPER = "https://openaipublic.azureedge.net/main/whisper/models"
_WHISPER_BASE = "ed3a0b6b1c0edf879ad9b11b1af5a0e6ab5db9205f891f668f8b0e6c6326e34e"
_TIMM = "https://huggingface.co/timm"


def _torchvision(name: str, sha256: str, size_mb: float) -> WeightFile:
    return WeightFile(f"{_TORCH}/{name}-{sha256}.pth", sha256, size_mb, "BSD-3-Clause")


def _timm(name: str, licence: str) -> WeightFile:
    url, place = f"{_TIMM}/{name}/resolve/main/model.safetensors", f"timm/{name}/model.safetensors"
    return WeightFile(url, licence=licence, place=place, keep_first=True)


def _easyocr(release: str, name: str, size_mb: float, md5: str) -> WeightFile:
    url, member = f"{_EASYOCR}/{release}/{name}.zip", f"{name}.pth"
    return WeightFile(url, "", size_mb, "Apache-2.0", f"easyocr/{member}", member, md5=md5)


RECORDED: Mapping[str, WeightFile] = {
    "torchvision/raft_small.C_T_V2": _torchvision("raft_small_C_T_V2", "01064c6d", 3.821),
    "torchvision/mvit_v2_s.KINETICS400_V1": _torchvision("mvit_v2_s", "ae3be167", 131.884),
    "torchvision/r2plus1d_18.KINETICS400_V1": _torchvision("r2plus1d_18", "91a641e6", 120.318),
    "torchvision/resnet50.IMAGENET1K_V1": _torchvision("resnet50", "0676ba61", 97.781),
    "timm/vit_base_patch16_dinov3.lvd1689m": _timm("vit_base_patch16_dinov3.lvd1689m", "dinov3-license"),
    "timm/vit_base_patch16_radio_v3.c_radio": _timm("vit_base_patch16_radio_v3.c_radio", "nvidia-open-model-license"),
    "timm/vit_base_patch14_reg1_tipsv2.webli": _timm("vit_base_patch14_reg1_tipsv2.webli", "apache-2.0"),
    "easyocr craft": _easyocr("pre-v1.1.6", "craft_mlt_25k", 83, "2f8227d2def4037cdb3b34389dcf9ec1"),
    "easyocr en": _easyocr("v1.3", "english_g2", 15, "5864788e1821be9e454ec108d61b887d"),
    "whisper base": WeightFile(f"{_WHISPER}/{_WHISPER_BASE}/base.pt", _WHISPER_BASE, 145, "MIT", "whisper/base.pt"),
}
"""Name under which weights are published, as it stands in recipes -> their file."""
