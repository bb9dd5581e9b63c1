import pytest

from tasks.plan import code_digest

SMILE = '''"""How much they smile."""
from extractors import mouths
from extractors.base import Extractor
from extractors.faces import find


class Expert(Extractor):
    """One row a face."""

    def embed(self, items):
        return find(items) + 1  # up
'''


@pytest.fixture
def digest(tmp_path):
    """The digest of smile.py after a change of a module."""
    written = {"smile": SMILE, "faces": "def find(x):\n    return x\n", "mouths": "WIDE = 1\n", "base": "A = 1\n"}

    def after(module="smile", old="", new=""):
        code_digest.digest.cache_clear()
        for name, code in written.items():
            assert name != module or old in code
            (tmp_path / f"{name}.py").write_text(code.replace(old, new, 1) if name == module else code)
        return code_digest.digest("smile", tmp_path)

    return after


@pytest.mark.parametrize(
    ("old", "new"), [("# up", "# down"), ("One row", "A row"), ("How much", "What"), ("\n\n\n", "\n\n\n\n")]
)
def test_comments_docstrings_and_layout_do_not_count(digest, old, new):
    before = digest()
    assert digest("smile", old, new) == before


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("smile", "+ 1", "+ 2"),
        ("faces", "return x", "return -x"),
        ("mouths", "1", "2"),
        ("smile", "class", "A = 1\nclass"),
    ],
)
def test_a_change_of_the_code_or_of_what_it_imports_counts(digest, module, old, new):
    before = digest()
    assert digest(module, old, new) != before
    assert digest() == before


def test_the_contract_does_not_count(digest):
    before = digest()
    assert digest("base", "1", "2") == before


def test_a_module_that_is_not_there_has_a_digest_too(tmp_path):
    assert code_digest.digest("nobody", tmp_path) != code_digest.digest("colour_shape")
