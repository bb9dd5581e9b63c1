import pytest

from pipeline import config
from pipeline.errors import ConfigError
from search.config import SearchConfig, load
from tests.search.small_collection import CONFIGS


def test_the_shipped_settings_can_be_read():
    settings = load(CONFIGS)
    assert settings.fusion.weights["words"] > 0
    assert {"a", "on", "the"} <= settings.stop_words


def test_a_wrong_setting_is_named():
    plain = config.read_yaml(CONFIGS / "search.yaml")
    plain["fusion"]["offset"] = -1
    with pytest.raises(ConfigError, match="at least 0"):
        config.parse(SearchConfig, plain, "search.yaml")


def test_a_million_videos_are_many_by_default():
    assert load(CONFIGS).index.approximate_from <= 200_000


@pytest.mark.parametrize(
    ("section", "change", "message"),
    [
        ("index", {"moment_s": 0}, "moment_s must be above 0"),
        ("index", {"approximate_from": 0}, "approximate_from at least 1"),
        ("fusion", {"weights": {"ce": -1.0}}, "offset and weights must be at least 0"),
        ("floors", {"ce_percentile": 101}, "floors.ce_percentile must be in 0..100"),
        ("floors", {"labels": 0.01}, "floors.labels must be in 0.02..1"),
        ("floors", {"labels": 1.1}, "floors.labels must be in 0.02..1"),
        ("second_stage", {"candidates": 0}, r"candidates must be in 1\.\.1000"),
        ("second_stage", {"candidates": 1001}, r"candidates must be in 1\.\.1000"),
        ("second_stage", {"engine": "late"}, "second_stage.engine"),
    ],
)
def test_values_out_of_range_name_their_key(section, change, message):
    plain = config.read_yaml(CONFIGS / "search.yaml")
    plain[section] |= change
    with pytest.raises(ConfigError, match=message):
        config.parse(SearchConfig, plain, "search.yaml")


def test_each_expert_for_a_folder_is_one_that_is_shipped():
    groups = load(CONFIGS).folder.experts
    named = [name for group in groups for name in group]
    assert set(named) <= set(config.names(CONFIGS / "experts"))
    assert len(named) == len(set(named))
    assert all(groups)
