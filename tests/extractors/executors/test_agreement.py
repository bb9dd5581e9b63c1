import json
import threading
from contextlib import closing

import pytest

from extractors.executors.agreement import agree
from pipeline.errors import ConfigError
from pipeline.stores.claimant import Claimant
from pipeline.stores.claims import LocalClaims
from pipeline.stores.fingerprint import fingerprint
from tests.extractors.extraction.test_job import NAMES, lacking

OTHER = json.dumps({"fingerprint": "0123456789ab", "host": "elsewhere"})


@pytest.fixture
def where(tmp_path):
    return LocalClaims(tmp_path / "claims")


def agree_within(where, wanted, expiry_s, stop=lambda: False):
    with closing(Claimant(where, expiry_s)) as claimant:
        return agree(claimant, "some", wanted, stop)


def test_the_first_host_says_what_is_computed_and_equal_ones_join(where, tmp_path):
    wanted = lacking(tmp_path, {name: [0] for name in NAMES})
    for _ in range(2):
        assert agree_within(where, wanted, 60.0) == [f"some/expert-{name}" for name in NAMES]
    content, _ = where.read_claim(f"some/expert-{NAMES[0]}")
    assert json.loads(content)["fingerprint"] == fingerprint(wanted[0].expert.recipe)


def test_a_host_that_computes_an_expert_otherwise_than_a_live_one_is_refused_by_name(where, tmp_path):
    wanted = lacking(tmp_path, {NAMES[0]: [0]})
    where.claim(f"some/expert-{NAMES[0]}", OTHER)
    is_over = threading.Event()

    def live():
        while not is_over.wait(0.05):
            where.renew(f"some/expert-{NAMES[0]}")

    thread = threading.Thread(target=live)
    thread.start()
    try:
        with pytest.raises(ConfigError) as refused:
            agree_within(where, wanted, 3.0)
    finally:
        is_over.set()
        thread.join()
    message = str(refused.value)
    assert "\n" not in message
    for told in (NAMES[0], fingerprint(wanted[0].expert.recipe), "0123456789ab", "elsewhere", "make them equal"):
        assert told in message
    assert where.read_claim(f"some/expert-{NAMES[0]}")[0] == OTHER


@pytest.mark.parametrize("content", [OTHER, ""])
def test_a_host_that_is_not_heard_of_does_not_count(where, tmp_path, content, caplog):
    wanted = lacking(tmp_path, {NAMES[0]: [0]})
    where.claim(f"some/expert-{NAMES[0]}", content)
    agree_within(where, wanted, 0.3)
    found, _ = where.read_claim(f"some/expert-{NAMES[0]}")
    assert json.loads(found)["fingerprint"] == fingerprint(wanted[0].expert.recipe)
    assert caplog.text.count("waiting up to 0.3 s for a sign of life") == 1


def test_a_stop_ends_the_waiting(where, tmp_path):
    wanted = lacking(tmp_path, {NAMES[0]: [0]})
    where.claim(f"some/expert-{NAMES[0]}", OTHER)
    agree_within(where, wanted, 600.0, stop=lambda: True)
    assert where.read_claim(f"some/expert-{NAMES[0]}")[0] == OTHER
