import pytest
import whisper

from pipeline.errors import WeightsError
from pipeline.weights import catalog


def test_whisper_still_has_its_table_of_urls():
    """Private: there is no public way to a model's URL and checksum."""
    assert hasattr(whisper, "_MODELS"), "whisper._MODELS is gone: find the URLs anew in pipeline/weights/catalog.py"
    assert sorted(whisper._MODELS) == sorted(whisper.available_models())


def test_libraries_know_their_files():
    resnet = catalog.torchvision_file("resnet50", "IMAGENET1K_V1")
    assert resnet.sha256 == "0676ba61"
    assert 90 < resnet.size_mb < 110
    assert catalog.timm_file("legacy_senet154.in1k").sha256 == "e9eb9fe6"
    assert catalog.timm_file("resnet50.a1_in1k").cached_as == "timm/resnet50.a1_in1k/model.safetensors"
    assert len(catalog.whisper_file("base").sha256) == 64
    assert catalog.open_clip_file("ViT-B-32", "openai").cached_as.startswith("timm/vit_base_patch32_clip_224")
    for wrong in (
        lambda: catalog.torchvision_file("resnet50", "NONE"),
        lambda: catalog.timm_file("resnet1"),
        lambda: catalog.whisper_file("enormous"),
        lambda: catalog.open_clip_file("ViT-B-32", "nobody"),
    ):
        with pytest.raises(WeightsError, match="know"):
            wrong()
