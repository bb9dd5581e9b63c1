import ast
import hashlib

import pytest

from tasks.plan import code_digest, digest_cache
from tasks.plan.digest_cache import DigestCache

SMILE = '''"""How much they smile."""
from extractors.base import Extractor
from extractors.networks import mouths
from extractors.faces import find


class Expert(Extractor):
    """One row a face."""

    def embed(self, items):
        from pipeline.media.colour import grey

        return find(grey(items)) + 1  # up
'''

MODULES = {
    "extractors/smile.py": SMILE,
    "extractors/words.py": "import extractors.text.tokens\n\n\nclass Encoder:\n    pass\n",
    "extractors/faces.py": "def find(x):\n    return x\n",
    "extractors/base.py": "A = 1\n",
    "extractors/networks/__init__.py": "",
    "extractors/networks/mouths.py": "WIDE = 1\n",
    "extractors/text/tokens.py": "B = 1\n",
    "extractors/extraction/views.py": "from extractors.extraction.resize import resize\n",
    "extractors/extraction/resize.py": "def resize(x):\n    from pipeline.media import audio\n\n    return x\n",
    "pipeline/media/audio.py": "RATE_HZ = 1\n",
    "pipeline/media/colour.py": "def grey(x):\n    return x\n",
    "pipeline/stores/parts.py": "C = 1\n",
}


@pytest.fixture(autouse=True)
def nothing_known(tmp_path, monkeypatch):
    """A cache of its own, which is not written."""
    monkeypatch.setattr(code_digest, "known", new_cache(tmp_path))
    monkeypatch.setattr(digest_cache.atexit, "register", lambda save: None)
    forget()


def new_cache(folder):
    (folder / "code_digest.py").write_text("")
    return DigestCache(str(folder / "code_digest.py"))


def forget():
    for cached in (code_digest.digest, code_digest._read, code_digest._parsed):
        cached.cache_clear()


@pytest.fixture
def digest(tmp_path):
    """The digest of a module after a change of one file."""

    def after(path="extractors/smile.py", old="", new="", of="smile"):
        forget()
        for name, code in MODULES.items():
            assert name != path or old in code
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(code.replace(old, new, 1) if name == path else code)
        return code_digest.digest(of, tmp_path)

    return after


@pytest.mark.parametrize(
    ("old", "new"), [("# up", "# down"), ("One row", "A row"), ("How much", "What"), ("\n\n\n", "\n\n\n\n")]
)
def test_comments_docstrings_and_layout_do_not_count(digest, old, new):
    before = digest()
    assert digest(old=old, new=new) == before


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("extractors/smile.py", "+ 1", "+ 2"),
        ("extractors/smile.py", "class", "A = 1\nclass"),
        ("extractors/faces.py", "return x", "return -x"),
        ("extractors/networks/mouths.py", "1", "2"),
        ("pipeline/media/colour.py", "return x", "return -x"),
        ("extractors/extraction/resize.py", "return x", "return -x"),
        ("pipeline/media/audio.py", "1", "2"),
    ],
)
def test_a_change_of_the_code_of_what_it_imports_or_of_what_it_is_shown_counts(digest, path, old, new):
    before = digest()
    assert digest(path, old, new) != before
    assert digest() == before


@pytest.mark.parametrize("path", ["extractors/base.py", "pipeline/stores/parts.py"])
def test_the_interface_and_what_is_not_imported_do_not_count(digest, path):
    before = digest()
    assert digest(path, "1", "2") == before


def test_what_extractors_are_shown_does_not_count_for_a_text_encoder(digest):
    before = digest(of="words")
    assert digest("pipeline/media/audio.py", "1", "2", of="words") == before
    assert digest("extractors/text/tokens.py", "1", "2", of="words") != before


def test_the_real_experts_lead_to_the_decoder_the_resampler_and_the_resize(monkeypatch):
    asked = []
    file = code_digest._file
    monkeypatch.setattr(code_digest, "_file", lambda name, root: asked.append(name) or file(name, root))
    code_digest.digest("mel_statistics")
    assert {"pipeline.media.video", "pipeline.media.audio", "extractors.extraction.resize"} <= set(asked)
    assert "tasks.plan.plan" not in asked


def test_a_module_that_is_not_there_has_a_digest_too(tmp_path):
    assert code_digest.digest("nobody", tmp_path) != code_digest.digest("colour_shape")


def parsed_by(monkeypatch):
    """The texts that are parsed from now on."""
    texts = []
    parse = code_digest.ast.parse
    monkeypatch.setattr(code_digest.ast, "parse", lambda text: texts.append(text) or parse(text))
    return texts


def test_a_file_is_read_once_for_all_experts_that_lead_to_it(digest, tmp_path, monkeypatch):
    digest()
    forget()
    code_digest.known = new_cache(tmp_path)
    texts = parsed_by(monkeypatch)
    (tmp_path / "extractors" / "grin.py").write_text("from extractors.faces import find\n\n\nclass Expert:\n    pass\n")
    for name in ("smile", "grin"):
        code_digest.digest(name, tmp_path)
    assert len(texts) == len(set(texts)) > 4


def test_what_is_known_of_the_same_code_is_not_parsed_again(digest, monkeypatch):
    before = digest()
    texts = parsed_by(monkeypatch)
    assert digest() == before
    assert texts == []


def test_after_a_change_each_file_is_parsed_once_whatever_is_known(digest, tmp_path, monkeypatch):
    digest()
    (tmp_path / "extractors" / "grin.py").write_text("from extractors.smile import Expert\n")
    texts = parsed_by(monkeypatch)
    changed = digest("pipeline/media/audio.py", "1", "2")
    code_digest.digest("grin", tmp_path)
    assert b"RATE_HZ = 2\n" in texts
    assert len(texts) == len(set(texts)) > 4
    code_digest.known = new_cache(tmp_path)
    assert digest("pipeline/media/audio.py", "1", "2") == changed, "as if nothing were known"


def test_a_file_that_comes_between_counts_whatever_is_known(digest, tmp_path):
    before = digest()
    nested = tmp_path / "extractors" / "faces" / "find.py"  # which the import may mean as well
    nested.parent.mkdir()
    nested.write_text("find = 1\n")
    assert digest() != before


def test_the_digest_is_that_of_the_dumped_syntax_of_all_files(digest):
    code = {
        "extractors.text.tokens": ast.dump(ast.parse(MODULES["extractors/text/tokens.py"])),
        "extractors.words": ast.dump(ast.parse(MODULES["extractors/words.py"])),
    }
    assert digest(of="words") == hashlib.sha256(repr(code).encode()).hexdigest()[:12]
