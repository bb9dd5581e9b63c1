from dataclasses import dataclass
from unittest.mock import Mock

import numpy as np
import pytest

from pipeline.errors import WeightsError
from search.engines.minus import SplitQuery
from search.engines.towers import Towered, loaded, weighted


@dataclass(frozen=True)
class Named(Towered):
    """Of an expert whose tower can be loaded unless it is called broken."""

    def query(self, text, unwanted=()):
        if self.expert.startswith("broken"):
            raise WeightsError(f"{text}: no weights")
        return np.array([len(text), len(unwanted)], np.float32)


MODALITIES = {"clip": "rgb", "siglip": "rgb", "clap": "audio", "broken_rgb": "rgb", "broken_audio": "audio"}


def named(*experts):
    return [Named(None, name, Mock(facts=Mock(modalities=MODALITIES))) for name in experts]


@pytest.mark.parametrize(
    ("experts", "expected"),
    [
        (("clip", "siglip", "clap"), ["clip", "clap"]),
        (("broken_rgb", "siglip", "broken_audio"), ["siglip"]),
        (("unheard_of", "clip"), ["unheard_of", "clip"]),
        ((), []),
    ],
)
def test_of_each_modality_the_first_that_can_be_loaded_takes_part(experts, expected):
    notes = []
    found = [(one.expert, query.tolist()) for one, query in loaded(named(*experts), SplitQuery("abc", ("d",)), notes)]
    assert found == [(name, [3, 1]) for name in expected]
    assert notes == [f"{name} takes no part: abc: no weights" for name in experts if name.startswith("broken")]


def test_what_one_stage_has_told_another_does_not_tell_again():
    notes = ["broken_rgb takes no part: abc: no weights"]
    assert not list(loaded(named("broken_rgb"), SplitQuery("abc"), notes))
    assert len(notes) == 1


def test_an_expert_of_weight_0_is_left_out():
    experts = named("clip", "siglip", "clap")
    assert weighted(experts, {"siglip": 0.0, "clap": 0.5}) == [experts[0], experts[2]]
