"""Digest of the code that makes features: a hint that they may have changed, never part of a fingerprint."""

import ast
import functools
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from extractors import OWN
from pipeline.running.cpu import without_collection
from tasks.plan.digest_cache import DigestCache

ROOT = Path(__file__).parents[2]
FLOORS = ("extractors", "pipeline")

SHOWN_BY = "extractors.extraction.views"
"""The module that cuts what extractors are shown: sampling times, resize, resampling, times of words."""

LEFT_OUT = frozenset({"extractors.base", "extractors.registry", "pipeline.config", "pipeline.errors"})
"""Modules that nearly every other one imports, and that compute no feature: the interface, configs, messages."""


known = DigestCache(__file__)
"""Hash of a file -> what it leads to; hash of all files that a module leads to -> the digest."""


@functools.lru_cache(maxsize=256)
def digest(module: str, root: Path = ROOT) -> str:
    """12 hex digits of the code of a module in extractors/ and of all modules of the two lower floors that it leads to.

    What an extractor is shown counts as much as the extractor; of a text encoder it does not, unless one module holds
    both. Comments, docstrings and layout do not count. Another Python may give another digest of the same code.
    """
    read: dict[str, _File] = {}
    queue = [f"extractors.{module}"]
    while queue:
        name = queue.pop()
        if name in read or name in LEFT_OUT:
            continue
        path = _file(name, root)
        if path is not None:
            read[name] = found = _read(path)
            queue += [*found.imported, *([SHOWN_BY] if found.has_expert else [])]
    modules = sorted(read.items())
    key = hashlib.sha256(repr([(name, found.content) for name, found in modules]).encode()).hexdigest()
    if (before := known.get(key)) is not None:
        return str(before)
    pairs = (repr(name).encode() + b": " + _parsed(found.text).code for name, found in modules)
    made = hashlib.sha256(b"{" + b", ".join(pairs) + b"}").hexdigest()[:12]
    known.put(key, made)
    return made


@dataclass(frozen=True)
class _File:
    """What is read of the file of a module."""

    text: bytes
    content: str
    """Hash of it."""
    imported: tuple[str, ...]
    """Names that may be modules of the two floors and are imported anywhere in it, inside functions too."""
    has_expert: bool


@functools.lru_cache(maxsize=512)  # experts share most of their modules, and Status asks about all experts
def _read(path: Path) -> _File:
    text = path.read_bytes()
    content = hashlib.sha256(text).hexdigest()
    if (before := known.get(content)) is None:
        parsed = _parsed(text)
        before = [parsed.has_expert, *parsed.imported]
        known.put(content, before)
    has_expert, *imported = before
    return _File(text, content, tuple(imported), has_expert)


@dataclass(frozen=True)
class _Parsed:
    """What the syntax of a module tells."""

    code: bytes
    """Without comments, docstrings and layout; as `repr` writes such a text."""
    imported: tuple[str, ...]
    has_expert: bool


@functools.lru_cache(maxsize=512)
def _parsed(text: bytes) -> _Parsed:
    with without_collection():  # among the nodes of a tree that takes longer than to parse it
        return _of_tree(ast.parse(text))


def _of_tree(tree: ast.Module) -> _Parsed:
    has_expert = any(isinstance(node, ast.ClassDef) and node.name == "Expert" for node in tree.body)
    imported = tuple(dict.fromkeys(name for block in _blocks(tree) for node in block for name in _imported(node)))
    for block in _blocks(tree):
        block[:] = [node for node in block if not _is_docstring(node)]
    return _Parsed(repr(ast.dump(tree)).encode(), imported, has_expert)


def _file(name: str, root: Path) -> Path | None:
    """The file of a module, or None when there is no such file (a package, or a name inside a module)."""
    floor, _, rest = name.partition(".")
    own = [Path(os.environ[OWN]) / rest] if floor == "extractors" and rest and OWN in os.environ else []
    files = [path.with_suffix(".py") for path in (root.joinpath(*name.split(".")), *own)]
    return next((file for file in files if file.is_file()), None)


def _blocks(node: ast.AST) -> Iterator[list[ast.AST]]:
    """All lists of statements in a statement or a module, at any depth; not in expressions, which hold none."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        block = getattr(node, field, None)
        if isinstance(block, list):
            yield block
            for inner in block:
                yield from _blocks(inner)


def _imported(node: ast.AST) -> Iterator[str]:
    """Names that may be modules of the two floors, where the statement is an import."""
    if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in FLOORS:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name.split(".")[0] in FLOORS)


def _is_docstring(node: ast.AST) -> bool:
    """Whether a statement is a string."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
