import re
from importlib import metadata

import numpy as np
import pytest

from pipeline.doctor import packages


def test_versions_are_those_that_the_packages_give_themselves():
    told = {finding.subject: finding.found for finding in packages.versions()}
    assert f"numpy {np.__version__}," in told["packages"]
    assert re.match(r"3\.\d+\.\d+, \w+ ", told["Python"])


@pytest.fixture
def asked_for(monkeypatch):
    """Makes the program ask for these packages."""
    return lambda *texts: monkeypatch.setattr(packages.metadata, "requires", lambda name: list(texts))


def test_what_is_not_installed_is_a_fault_with_the_command_that_installs_it(asked_for):
    asked_for("numpy>=1", "no-such-package>=2,<3", "another.one; sys_platform == 'never'", "extra-one; extra == 'dev'")
    (finding,) = packages.requirements()
    assert (finding.state, finding.found) == ("fault", "not installed: no-such-package>=2,<3")
    assert finding.advice == "pip install 'no-such-package>=2,<3'"


def test_another_version_than_asked_for_is_a_note(asked_for):
    asked_for("numpy<1", f"pyyaml=={metadata.version('pyyaml')}")
    (finding,) = packages.requirements()
    assert finding.state == "note"
    assert f"numpy<1 (here: {np.__version__})" in finding.found
    assert "pyyaml" not in finding.found.lower()


def test_a_program_that_is_not_installed_as_a_package_is_told_and_no_error(monkeypatch):
    monkeypatch.setattr(packages, "DISTRIBUTION", "no-such-program")
    program, *_ = packages.versions()
    assert (program.subject, program.state) == ("program", "note")
    assert list(packages.requirements()) == []
