import json
import time
from importlib import metadata

from tasks import provenance as module
from tasks.provenance import provenance


def test_it_is_plain_and_tells_time_system_and_versions():
    told = provenance()
    assert json.loads(json.dumps(told)) == told
    made = time.mktime(time.strptime(told["made"][:19], "%Y-%m-%dT%H:%M:%S"))
    assert abs(made - time.time()) < 60
    assert told["packages"]["numpy"] == metadata.version("numpy")
    assert told["python"].count(".") == 2


def test_a_package_that_is_not_here_is_left_out(monkeypatch):
    monkeypatch.setattr(module, "PACKAGES", ("numpy", "a-package-that-nobody-has"))
    assert provenance()["packages"].keys() == {"numpy"}
