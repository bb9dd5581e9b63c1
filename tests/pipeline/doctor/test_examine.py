import subprocess
import sys

from pipeline.doctor import examine
from tests.tasks.project import CONFIGS


def test_everything_is_looked_at_and_a_probe_that_fails_ends_nothing(tmp_path, monkeypatch):
    class Silent:
        def __init__(self, *rest):
            pass

        def answer(self):
            return {"error": "no answer"}

    monkeypatch.setattr(examine, "Probe", Silent)
    found = list(examine.examine({"store": tmp_path}, [tmp_path]))
    subjects = {finding.subject for finding in found}
    assert {"Python", "packages", "cores", "memory", "store", "clock", "decoders"} <= subjects
    assert {finding.subject for finding in found if finding.state == "fault"} >= {"decoders", "packages"}


def test_nothing_but_pythons_own_library_is_needed():
    script = "import sys, pipeline.doctor.examine; print({name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True, cwd=CONFIGS.parent
    )
    assert "pipeline" in done.stdout


def test_a_module_that_cannot_be_imported_is_a_fault():
    (finding,) = examine._imports({"broken": {"cv2": "ImportError: libGL.so.1"}})
    assert (finding.state, finding.found) == ("fault", "cv2 cannot be imported: ImportError: libGL.so.1")
    assert list(examine._imports({"broken": {}})) == []
