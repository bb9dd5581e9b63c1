import pytest

from pipeline.errors import ConfigError
from tasks.plan.selection import Selection
from tasks.plan.settings import Paths


@pytest.fixture
def tiny(project):
    with project.process():
        yield Selection(Paths().layout, "tiny")


def test_seeds_are_those_of_the_command_line_or_of_the_model(tiny):
    assert tiny.seeds("") == (0,)
    assert tiny.seeds("3,1") == (3, 1)
    assert tiny.seeds(" 3 , 1 ,") == (3, 1)
    for wrong in ("a", "1,b", "1.5", "1;2", "0,0", "1, 1"):
        with pytest.raises(ConfigError, match=f"--seeds {wrong}"):
            tiny.seeds(wrong)


def test_experts_are_sorted_and_each_counts_once(project):
    with project.process():
        layout = Paths().layout
        assert Selection(layout, "tiny").expert_names == ("rgb_light", "speech_light")
        assert Selection(layout, "tiny", experts=" speech_light,rgb_light, rgb_light,").expert_names == (
            "rgb_light",
            "speech_light",
        )


def test_unknown_names_are_told_with_the_nearest(project):
    with project.process():
        layout = Paths().layout
        with pytest.raises(ConfigError, match=r"no tinny\.yaml in .*did you mean 'tiny'"):
            Selection(layout, "tinny")
        with pytest.raises(ConfigError, match=r"did you mean 'tiny'"):
            Selection(layout, "tiny", "tinny").model  # noqa: B018
        with pytest.raises(ConfigError, match=r"did you mean 'rgb_light'"):
            Selection(layout, "tiny", experts="rgb_lite").experts  # noqa: B018
