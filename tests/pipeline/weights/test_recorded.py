import pytest

from extractors import registry
from extractors.networks.base import NetworkPlugin
from pipeline import config
from pipeline.weights.recorded import RECORDED
from tests.tasks.project import CONFIGS

SHIPPED = [registry.expert(name, CONFIGS / "experts") for name in config.names(CONFIGS / "experts")]
NAMED = {
    name: (expert.extractor, part)
    for expert in SHIPPED
    if isinstance(expert.extractor, NetworkPlugin)
    for part, name in expert.extractor.published_names.items()
    if part not in expert.extractor.source.files and name in RECORDED
}


def test_each_recorded_file_is_one_of_a_shipped_expert():
    assert NAMED.keys() == RECORDED.keys()


@pytest.mark.slow  # imports torchvision, timm, EasyOCR and Whisper
@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_file_is_the_one_in_the_table_of_its_library(name):
    extractor, part = NAMED[name]
    assert extractor.published_file(part) == RECORDED[name], "the library has another: write it into recorded.py"
