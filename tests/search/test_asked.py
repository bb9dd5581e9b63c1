import numpy as np
import pytest

from search import asked
from search.engines.minus import SplitQuery
from search.people.people import WhoQuery


class Named:
    """People with known names, switched on or off."""

    def __init__(self, answer: WhoQuery, is_on: bool = True) -> None:
        self.answer, self.is_on = answer, is_on

    def split(self, query: str) -> WhoQuery:
        return self.answer


def test_a_query_has_people_what_is_wanted_and_what_is_not():
    found = asked.read("who: Ann on a beach -sand", Named(WhoQuery(("Ann",), "on a beach -sand")))
    assert found == asked.Asked(("Ann",), SplitQuery("on a beach", ("sand",)))


def test_a_name_alone_is_a_question():
    assert asked.read("who: Ann", Named(WhoQuery(("Ann",), ""))).reason == ""


@pytest.mark.parametrize(("text", "told"), [("-cat", "beside what to leave out"), ("?!", "no word"), ("", "no word")])
def test_what_asks_for_nothing_says_so(text, told):
    assert told in asked.read(text, Named(WhoQuery((), text))).reason


def test_an_unknown_name_says_whether_people_are_on():
    stranger = WhoQuery((), "", "Bob")
    assert "Bob" in asked.read("who: Bob", Named(stranger)).reason
    assert "switched off" in asked.read("who: Bob", Named(stranger, is_on=False)).reason


def test_videos_that_say_what_is_not_wanted_are_left_out(tiny):
    allowed = np.ones(len(tiny.videos), np.bool_)
    options = asked.Options()
    asked.leave_out(SplitQuery("x", ("bakery open", "lighthouse pasta")), tiny.words, options, allowed)
    left_out = {tiny.videos[row].video_id for row in np.flatnonzero(~allowed).tolist()}
    assert left_out == {"street.mp4"}, "a phrase counts when all of its words are there"


def test_a_search_leaves_them_out_in_every_engine(tiny):
    both = {hit.video_id for hit in tiny.search("water", 100)}
    assert {"kitchen.mp4", "harbour.mp4"} <= both
    left = {hit.video_id for hit in tiny.search("water -pasta", 100)}
    assert left == both - {"kitchen.mp4"}
    assert "meadow.mp4" in {hit.video_id for hit in tiny.search("zebra", 100) if "labels" in hit.found_by}
    assert "meadow.mp4" not in {hit.video_id for hit in tiny.search("zebra -bear", 100) if "labels" in hit.found_by}
