import pytest

from pipeline.doctor import probes
from pipeline.doctor.probes import Probe


@pytest.fixture
def probe(tmp_path, monkeypatch):
    """Runs a script as a probe; its answer."""

    def run(script, deadline_s=60.0):
        path = tmp_path / "script.py"
        path.write_text(script)
        real = probes.subprocess.Popen
        monkeypatch.setattr(
            probes.subprocess, "Popen", lambda command, **more: real([command[0], "-P", str(path)], **more)
        )
        return Probe("probe_codecs", deadline_s).answer()

    return run


ANSWER = "from pipeline.doctor.probes import answer\n"


def test_the_last_answer_counts_among_what_libraries_print(probe):
    script = ANSWER + "print('a library')\nanswer({'x': 1})\nanswer({'x': 2})\nprint('{}')\n"
    assert probe(script) == {"x": 2}


def test_what_was_answered_before_a_crash_is_kept(probe):
    assert probe(ANSWER + "answer({'x': 1})\nimport os\nos.abort()\n") == {"x": 1}


def test_a_crash_an_error_and_a_hang_are_told(probe):
    assert probe("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n") == {"error": "ended with status -11"}
    assert probe("raise OSError('no library')\n") == {"error": "OSError: no library"}
    assert probe("import time\ntime.sleep(600)\n", deadline_s=0.5) == {"error": "no answer within 0 s"}


def test_modules_that_cannot_be_imported_are_told_with_the_reason(tmp_path, monkeypatch):
    (tmp_path / "broken_one.py").write_text("raise OSError('libx.so: cannot open shared object file')\n")
    (tmp_path / "crashing.py").write_text("import os\nos.abort()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    names = ("json", "broken_one", "no_such_module", "crashing", "yaml")
    assert Probe("probe_imports", 60.0, names).answer() == {
        "broken": {
            "broken_one": "OSError: libx.so: cannot open shared object file",
            "no_such_module": "ModuleNotFoundError: No module named 'no_such_module'",
            "crashing": "ends the process that imports it",
        }
    }
