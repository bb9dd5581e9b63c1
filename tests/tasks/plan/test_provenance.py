import json
import time
from importlib import metadata

import pytest

from tasks.plan import code_digest
from tasks.plan import provenance as provenance_module
from tasks.plan.provenance import code_has_changed, provenance


def test_it_is_plain_and_tells_time_system_and_versions():
    recorded = provenance()
    assert json.loads(json.dumps(recorded)) == recorded
    made = time.mktime(time.strptime(recorded["made"][:19], "%Y-%m-%dT%H:%M:%S"))
    assert abs(made - time.time()) < 60
    assert recorded["packages"]["numpy"] == metadata.version("numpy")
    assert recorded["python"].count(".") == 2


def test_a_package_that_is_not_here_is_left_out(monkeypatch):
    monkeypatch.setattr(provenance_module, "PACKAGES", ("numpy", "a-package-that-nobody-has"))
    assert provenance()["packages"].keys() == {"numpy"}


def test_the_code_of_an_extractor_is_told_when_one_is_named():
    assert "code_digest" not in provenance()
    assert provenance("colour_shape")["code_digest"] == code_digest.digest("colour_shape")


@pytest.fixture
def begun(tmp_path):
    """A store that was begun with some provenance."""

    def begin(**recorded):
        (tmp_path / "recipe.json").write_text(json.dumps({"recipe": {}, "provenance": recorded}))
        return tmp_path

    return begin


def test_code_that_has_changed_is_noticed(begun, monkeypatch):
    folder = begun(**provenance("colour_shape"))
    assert not code_has_changed(folder, "colour_shape")
    monkeypatch.setattr(code_digest, "digest", lambda name: "another")
    assert code_has_changed(folder, "colour_shape")


def test_what_is_not_known_or_cannot_be_compared_has_not_changed(begun, tmp_path):
    assert not code_has_changed(tmp_path / "nowhere", "colour_shape")
    assert not code_has_changed(begun(), "colour_shape")
    assert not code_has_changed(begun(python="2.7.18", code_digest="another"), "colour_shape")
    (tmp_path / "recipe.json").write_text("{")
    assert not code_has_changed(tmp_path, "colour_shape")
