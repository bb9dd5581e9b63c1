import pytest

from extractors.labels.class_names import shipped
from extractors.labels.settings import LabelSettings
from pipeline import config
from pipeline.errors import ConfigError


def test_names_are_a_shipped_list_or_stand_in_the_yaml():
    assert LabelSettings("kinetics400").classes == shipped("kinetics400")
    own = config.parse(LabelSettings, {"names": ["cat", "dog"], "keep": 1}, "mine.yaml: labels")
    assert own.classes.names == own.classes.descriptions == ("cat", "dog")


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"names": "imagenet"}, "no list of class names 'imagenet'"),
        ({"names": "audioset", "keep": 0}, "keep must be 1 to 527"),
        ({"names": ["cat", "dog"], "keep": 3}, "keep must be 1 to 2, the number of classes"),
        ({"names": []}, "0 names; a classifier has 1 to 32768"),
        ({"names": ["x"] * 32769}, "32769 names"),
        ({"keep": 5}, "key 'names' is missing"),
        ({"names": "audioset", "top": 5}, "unknown key 'top'"),
    ],
)
def test_what_makes_no_sense_is_one_clear_line(told, message):
    with pytest.raises(ConfigError) as caught:
        config.parse(LabelSettings, told, "mine.yaml: labels")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_recipe_changes_with_each_name_and_with_how_many_are_kept():
    recipes = [
        LabelSettings(("cat", "dog"), 1).recipe,
        LabelSettings(("cat", "dog"), 2).recipe,
        LabelSettings(("dog", "cat"), 1).recipe,
        LabelSettings(("cat", "dog", "cow"), 1).recipe,
    ]
    assert all(recipes.count(recipe) == 1 for recipe in recipes)
    assert LabelSettings(shipped("audioset").names).recipe == LabelSettings("audioset").recipe


def test_a_network_with_another_number_of_classes_or_none_cannot_keep_them():
    settings = LabelSettings("places365")
    assert settings.problem(365) == ""
    assert settings.problem(1000) == "365 names for a network with 1000 classes"
    assert settings.problem(0) == "its extractor is no classifier that keeps labels"
