import threading
import time
from types import SimpleNamespace

import pytest

from pipeline.stores import object_claims
from pipeline.stores.claimant import Claimant, exclusive
from pipeline.stores.claims import claims_of
from pipeline.stores.object_claims import ObjectClaims


@pytest.fixture
def claims(hosts):
    return claims_of(hosts.store("a"))


def test_a_claim_is_made_once_read_and_released(claims):
    assert isinstance(claims, ObjectClaims)
    assert claims.claim("d/1", "me")
    assert not claims.claim("d/1", "you")
    content, age_s = claims.read_claim("d/1")
    assert content == "me"
    assert abs(age_s) < 30
    assert claims.names("d") == ["d/1"]
    claims.release("d/1")
    claims.release("d/1")
    assert claims.read_claim("d/1") is None
    assert claims.claim("d/1", "you")


def test_a_renewed_claim_is_younger_and_a_missing_one_stays_missing(claims, hosts):
    claims.claim("d/1", "me")
    before = hosts.objects.head("claims/d/1").modified_s
    time.sleep(0.05)
    claims.renew("d/1")
    assert hosts.objects.head("claims/d/1").modified_s > before
    assert claims.read_claim("d/1")[0] == "me"
    claims.renew("d/2")
    assert claims.read_claim("d/2") is None


def test_one_of_many_claimants_wins(claims):
    won = []
    threads = [
        threading.Thread(target=lambda number=number: claims.claim("d/1", str(number)) and won.append(number))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_after_the_storage_was_away_its_owners_get_time_to_renew(claims, monkeypatch):
    claims.claim("d/1", "me")
    look, slept, clock = claims._objects.look, [], [0.0]

    def slow(self, key):
        clock[0] += 0 if slept else 100
        return look(key)

    monkeypatch.setattr(type(claims._objects), "look", slow)
    # In place of the module there: threads of pools that have not ended yet sleep too.
    monkeypatch.setattr(
        object_claims, "time", SimpleNamespace(monotonic=lambda: clock[0], sleep=slept.append, time=time.time)
    )
    claims.read_claim("d/1")
    assert slept == [object_claims.BACK_S]


def test_a_host_waits_for_another_in_object_storage_too(claims):
    order = []

    def other():
        with exclusive(claims, "tasks/x", 60, lambda: order.append("waits")):
            order.append("second")

    with exclusive(claims, "tasks/x", 60, lambda: order.append("never")):
        second = threading.Thread(target=other)
        second.start()
        while "waits" not in order:
            time.sleep(0.01)
        order.append("first")
    second.join()
    assert order == ["waits", "first", "second"]


def test_a_claim_that_is_not_renewed_is_taken_over(claims):
    claims.claim("d/1", '{"process": "0_1", "host": "other", "tries": 1}')
    claimant = Claimant(claims, 0.2)
    try:
        assert claimant.take("d/1") is None
        time.sleep(0.3)
        taken = claimant.take("d/1")
        assert claimant.is_own(taken)
        assert taken.tries == 2
    finally:
        claimant.close()
