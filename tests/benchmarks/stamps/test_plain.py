import pytest

from benchmarks.stamps import photographs, plain
from models.evaluation.metrics import summary
from search import config
from tests.conftest import ROOT
from tests.extractors.packaged import packaged_expert, packaged_text
from tests.extractors.run_experts import packaged_options


@pytest.mark.slow
def test_label_words_find_real_things_without_any_training():
    """Of 403 photographs; by chance R@1 would be 0.25 and R@10 2.5."""
    if not photographs.installed():
        pytest.skip(f"the photographs are not installed: apt-get install {photographs.PACKAGE}")
    packaged_expert(plain.CLASSIFIER)
    packaged_text(plain.SENTENCES)
    found = photographs.find()
    assert len(found) >= 400
    metrics = summary(
        plain.ranks(found, ROOT / "configs", packaged_options(), config.load(ROOT / "configs").label_words)
    )
    assert metrics["R@1"] >= 25
    assert metrics["R@10"] >= 50
