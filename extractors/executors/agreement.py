"""Hosts that share the work of a run agree on the fingerprints of its experts; one that differs is refused by name."""

import json
import logging
import platform
import time
from collections.abc import Callable, Iterable

from extractors.extraction.work import Wanted
from pipeline.errors import ConfigError
from pipeline.stores.claimant import Claimant
from pipeline.stores.fingerprint import fingerprint

log = logging.getLogger(__name__)


def agree(claimant: Claimant, dataset: str, wanted: Iterable[Wanted], stop: Callable[[], bool]) -> list[str]:
    """The claims that say which fingerprints a dataset's experts have now; all hosts of the run renew them.

    ConfigError where a live host computes an expert with another fingerprint: both would extract all videos, and none
    would have all rows. A host that is not heard of for as long as a claim lasts does not count. Ends early once `stop`
    answers true.
    """
    names = []
    for item in wanted:
        name, own = f"{dataset}/expert-{item.expert.name}", fingerprint(item.expert.recipe)
        _agree_on(claimant, name, item.expert.name, own, stop)
        names.append(name)
    return names


def _agree_on(claimant: Claimant, name: str, expert: str, own: str, stop: Callable[[], bool]) -> None:
    has_told = False
    while not claimant.claims.claim(name, json.dumps({"fingerprint": own, "host": platform.node()})):
        found = claimant.claims.read_claim(name)
        if stop() or (found and _read(found[0])[0] == own):
            break
        if found:
            other, host = _read(found[0])
            watched = claimant.watch(name, *found)
            if watched.is_alive:
                raise ConfigError(
                    f"expert {expert} is {own} on {platform.node()}, and {other} on {host}, which extracts it now: its "
                    "YAML, the program or the weights differ; make them equal on all hosts and run again"
                )
            if watched.quiet_s >= claimant.expiry_s:
                claimant.claims.release(name)
                continue
            if not has_told:
                log.warning(
                    "Expert %s is %s here, and was %s on %s: waiting up to %g s for a sign of life from there",
                    *(expert, own, other, host, claimant.expiry_s),
                )
            has_told = True
        time.sleep(claimant.poll_s)
    claimant.hold(name)


def _read(content: str) -> tuple[str, str]:
    """(fingerprint, host) of a claim; empty where it cannot be read."""
    try:
        body = json.loads(content)
        return str(body["fingerprint"]), str(body["host"])
    except (ValueError, KeyError, TypeError):
        return "", "an unknown host"
