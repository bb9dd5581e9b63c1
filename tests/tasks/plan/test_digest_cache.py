import subprocess
import sys

import pytest

from tasks.plan import digest_cache
from tasks.plan.digest_cache import DigestCache


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The file of the module that computes the entries; no test writes at the end of this process."""
    monkeypatch.setattr(digest_cache.atexit, "register", lambda save: None)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    path = tmp_path / "digests.py"
    path.write_text("VERSION = 1\n")
    return path


def saved(module, **entries):
    cache = DigestCache(str(module))
    for key, entry in entries.items():
        cache.put(key, entry)
    cache.save()
    return DigestCache(str(module))


def files_of(module):
    return [path for path in module.parent.rglob("*.json") if path.is_file()]


def test_what_was_saved_is_known_to_the_next_process_and_kept_with_what_that_adds(module):
    assert saved(module, a="12", b=[True, "x.y"]).get("b") == [True, "x.y"]
    after = saved(module, c="34")
    assert [after.get(key) for key in "abcd"] == ["12", [True, "x.y"], "34", None]
    assert [path.parent.name for path in files_of(module)] == ["__pycache__"]


def test_what_another_text_of_the_module_computed_is_not_known(module):
    assert saved(module, a="12").get("a") == "12"
    module.write_text("VERSION = 2\n")
    assert DigestCache(str(module)).get("a") is None


def test_what_another_python_computed_is_not_known(module, monkeypatch):
    saved(module, a="12")
    monkeypatch.setattr(sys, "version", "3.14.0 of another day")
    assert DigestCache(str(module)).get("a") is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff", b'{"by": 1}'])
def test_a_damaged_file_is_as_none(module, content):
    cache = saved(module, a="12")
    files_of(module)[0].write_bytes(content)
    assert cache.get("a") is None
    assert saved(module, a="34").get("a") == "34"


def test_nothing_is_written_where_python_writes_no_compiled_files(module, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert saved(module, a="12").get("a") is None
    assert files_of(module) == []


def test_where_nothing_can_be_written_nothing_is_said(module):
    (module.parent / "__pycache__").write_text("a file in place of the folder")
    assert saved(module, a="12").get("a") is None


def test_with_too_many_entries_it_begins_anew(module, monkeypatch):
    monkeypatch.setattr(digest_cache, "MOST", 2)
    assert saved(module, a="1", b="2").get("a") == "1"
    assert saved(module, c="3").get("a") is None


def test_a_process_saves_at_its_end_what_it_has_added(module):
    script = f"from tasks.plan.digest_cache import DigestCache; DigestCache({str(module)!r}).put('a', 'b')"
    subprocess.run([sys.executable, "-c", script], check=True, env={"PYTHONPATH": ":".join(sys.path)})
    assert DigestCache(str(module)).get("a") == "b"
