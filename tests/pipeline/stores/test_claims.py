import errno
import os
import threading
import time
from pathlib import Path

import pytest

from pipeline.errors import StoreError
from pipeline.stores import atomic, claims
from pipeline.stores.claims import LocalClaims, Taken, chunk_claims, claims_of, forget


@pytest.fixture
def where(tmp_path):
    return LocalClaims(tmp_path / "claims")


def test_one_of_many_that_claim_at_once_gets_it(where):
    got, ready = [], threading.Barrier(8)

    def claim(number):
        ready.wait()
        if where.claim("a/b", str(number)):
            got.append(number)

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    assert where.read_claim("a/b")[0] == str(got[0])


def test_a_claim_ages_until_it_is_renewed_and_is_gone_when_released(where, tmp_path):
    where.claim("one", "content")
    os.utime(tmp_path / "claims" / "one", (time.time() - 100, time.time() - 100))
    content, age_s = where.read_claim("one")
    assert content == "content"
    assert age_s == pytest.approx(100, abs=30)
    where.renew("one")
    assert where.read_claim("one")[1] < 50
    where.claim("folder/two", "")
    assert (where.names("folder"), where.names("nothing")) == (["folder/two"], [])
    where.release("one")
    where.release("one")
    assert where.read_claim("one") is None
    where.renew("one")
    assert where.read_claim("one") is None, "renewing makes none"


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file/claims/a: cannot be written: Not a directory$"):
        LocalClaims(tmp_path / "file" / "claims").claim("a", "")


@pytest.mark.parametrize(("number", "is_gone"), [(errno.ESTALE, True), (errno.EIO, False)])
def test_a_claim_that_a_network_drive_calls_stale_is_gone_and_another_fault_is_told(
    where, monkeypatch, number, is_gone
):
    def fail(*args, **options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "open", fail)
    if is_gone:
        assert where.read_claim("one") is None
    else:
        with pytest.raises(StoreError, match=r"claims/one: cannot be read: Input/output error$"):
            where.read_claim("one")


def test_only_claims_that_nobody_renews_for_long_are_abandoned(tmp_path):
    where = claims_of(tmp_path)
    for name in ("tiny/old", "tasks/new"):
        where.claim(name, "")
    old = tmp_path / "claims" / "tiny" / "old"
    os.utime(old, (0, time.time() - atomic.ABANDONED_S - 60))
    assert claims.abandoned(tmp_path) == [old]
    assert claims.abandoned(tmp_path / "nothing") == []


def test_the_claims_of_a_folder_are_forgotten(where):
    for name, tries in (("tiny/chunks/used-up", 3), ("tiny/chunks/other", 1), ("tiny/expert", 1)):
        where.claim(name, Taken("0a1b2c3d_77", "elsewhere", tries).text)
    assert forget(where, chunk_claims("tiny")) == 2
    assert (where.names("tiny/chunks"), where.names("tiny")) == ([], ["tiny/expert"])


@pytest.mark.parametrize("content", ["", "{", '{"process": 1}', "[1]"])
def test_a_content_that_was_cut_off_is_that_of_a_first_owner_who_is_not_known(content):
    assert Taken.read(content) == Taken("", "an unknown host", 1)
    assert Taken.read(Taken("a_1", "host", 4).text) == Taken("a_1", "host", 4)
