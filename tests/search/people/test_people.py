import json
import threading

import pytest

from pipeline.errors import ConfigError
from search.people.people import WhoQuery
from tests.search import example_collection, small_collection
from tests.search.example_collection import PEOPLE


def seen(collection, query):
    return {hit.video_id for hit in collection.search(query, 100)}


def videos_of(person: int) -> set[str]:
    return {video for video, who in PEOPLE.items() if person in who}


def numbered(people, planted):
    """Person, as planted -> number of the cluster whose videos are theirs."""
    found = {one.number: {planted.videos[row].video_id for row in one.rows.tolist()} for one in people.all()}
    return {who: next(number for number, videos in found.items() if videos == videos_of(who)) for who in range(3)}


def test_people_are_off_until_somebody_switches_them_on(planted):
    assert not planted.people.is_on
    assert planted.people.all() == []
    assert not planted.people.file.exists()
    assert "switched off" in planted.search("who: Ann").reason
    planted.people.switch(True)
    assert len(planted.people.all()) == 3


def test_a_cluster_holds_the_faces_of_one_person(planted):
    planted.people.switch(True)
    people = {one.number: one for one in planted.people.all()}
    numbers = numbered(planted.people, planted)
    assert [len(people[numbers[who]].faces) for who in range(3)] == [3, 2, 1]
    assert {one.name for one in people.values()} == {""}


def test_named_people_are_searched_alone_together_and_with_words(planted):
    planted.people.switch(True)
    numbers = numbered(planted.people, planted)
    for who, name in enumerate(("Ann", "Ann Lee", "Žofie")):
        planted.people.name(numbers[who], name)
    assert seen(planted, "who: Ann") == videos_of(0)
    assert seen(planted, "WHO:ann lee") == videos_of(1), "the longest name counts"
    assert seen(planted, 'who: "žofie"') == videos_of(2)
    assert seen(planted, "who: Ann who: Ann Lee") == videos_of(0) & videos_of(1)
    assert seen(planted, "who: Ann on a beach") == videos_of(0), "what no expert finds still shows her"
    hit = planted.search("who: Žofie").hits[0]
    assert hit.found_by["people"].rank == 1
    assert hit.best_s == 0.0
    assert [(moment.engine, moment.text) for moment in hit.moments] == [("people", "Žofie")]
    assert "Bob" in planted.search("who: Bob").reason


def test_a_query_is_split_at_names_that_are_known(planted):
    planted.people.switch(True)
    planted.people.name(0, "Ann")
    split = planted.people.split
    assert split("a beach") == WhoQuery((), "a beach")
    assert split("who: Ann on a beach") == WhoQuery(("Ann",), "on a beach")
    assert split("on a beach who:Ann, smiling") == WhoQuery(("Ann",), "on a beach , smiling")
    assert split("who: Anna") == WhoQuery((), "", "Anna")
    assert split("a guru who: ") == WhoQuery((), "a guru", "")
    assert split("somewho: Ann") == WhoQuery((), "somewho: Ann")


def test_a_name_can_be_changed_and_taken_away(planted):
    planted.people.switch(True)
    planted.people.name(1, "Bob")
    planted.people.name(1, "Rob")
    assert [one.name for one in planted.people.kept.people] == ["Rob"]
    planted.people.name(1, " ")
    assert planted.people.kept.people == ()


@pytest.mark.parametrize("number", [-1, 3, 10**9])
def test_nobody_else_can_be_named(planted, number):
    planted.people.switch(True)
    with pytest.raises(ConfigError, match="no such person"):
        planted.people.name(number, "Ann")


def test_while_people_are_off_names_are_kept_and_nothing_is_found(planted):
    planted.people.switch(True)
    planted.people.name(0, "Ann")
    planted.people.switch(False)
    assert planted.people.all() == []
    assert "switched off" in planted.search("who: Ann").reason
    with pytest.raises(ConfigError):
        planted.people.name(0, "Bob")
    planted.people.switch(True)
    assert planted.people.all()[0].name == "Ann"


def test_deleting_leaves_nothing(planted):
    planted.people.switch(True)
    planted.people.name(0, "Ann")
    planted.people.delete()
    assert not planted.people.file.exists()
    assert planted.people.all() == []
    planted.people.switch(True)
    assert {one.name for one in planted.people.all()} == {""}


def test_another_process_that_switches_people_off_is_heard(planted, planted_root):
    planted.people.switch(True)
    small_collection.opened(planted_root).people.delete()
    assert not planted.people.is_on


def test_names_are_found_again_in_a_new_index(tmp_path):
    example_collection.make(tmp_path)
    before = small_collection.opened(tmp_path)
    before.people.switch(True)
    for who, number in numbered(before.people, before).items():
        before.people.name(number, f"person {who}")
    file = json.loads(before.people.file.read_text())
    example_collection.make(tmp_path, face_noise=1)  # other faces of the same people, in another index
    after = small_collection.opened(tmp_path)
    assert after.people.file == before.people.file
    assert json.loads(after.people.file.read_text()) == file, "BuildIndex does not touch it"
    for who in range(3):
        assert seen(after, f"who: person {who}") == videos_of(who)


def test_names_of_faces_by_another_expert_are_kept_and_not_compared(planted):
    planted.people.switch(True)
    planted.people.name(0, "Ann")
    text = planted.people.file.read_text()
    planted.people.file.write_text(text.replace('"expert": "face"', '"expert": "another"'))
    assert {one.name for one in planted.people.all()} == {""}
    planted.people.name(0, "Bob")
    assert sorted(one.name for one in planted.people.kept.people) == ["Ann", "Bob"]


def test_people_who_are_named_at_once_are_all_named(planted):
    planted.people.switch(True)
    threads = [threading.Thread(target=planted.people.name, args=(number, f"p{number}")) for number in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(one.name for one in planted.people.kept.people) == ["p0", "p1", "p2"]


def test_a_collection_without_faces_says_so(tiny):
    assert tiny.people.all() == []
    with pytest.raises(ConfigError, match="sees faces"):
        tiny.people.switch(True)
