import importlib
import os
import subprocess
import sys

import pytest

import extractors


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder with an extractor of its own."""
    monkeypatch.setattr(extractors, "__path__", list(extractors.__path__))
    monkeypatch.delenv(extractors.OWN, raising=False)
    (tmp_path / "extractors").mkdir()
    (tmp_path / "extractors/of_this_project.py").write_text("NAME = 'own'\n", encoding="utf-8")
    (tmp_path / "extractors/gist.py").write_text("NAME = 'own'\n", encoding="utf-8")
    yield tmp_path
    sys.modules.pop("extractors.of_this_project", None)


def test_a_projects_own_extractors_stand_behind_those_of_the_program_here_and_in_child_processes(project):
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("extractors.of_this_project")
    extractors.add_own(project)
    extractors.add_own(project)
    assert extractors.__path__.count(str(project / "extractors")) == 1
    assert importlib.import_module("extractors.of_this_project").NAME == "own"
    assert not hasattr(importlib.import_module("extractors.gist"), "NAME")
    code = "import extractors.of_this_project as own; print(own.NAME)"
    child = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert child.stdout == "own\n"


def test_a_copy_of_the_program_itself_is_no_project_with_extractors_of_its_own(project):
    (project / "extractors/__init__.py").touch()
    extractors.add_own(project)
    assert extractors.OWN not in os.environ
    extractors.add_own(project / "nothing")
    assert extractors.OWN not in os.environ
