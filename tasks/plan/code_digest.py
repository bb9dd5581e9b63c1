"""Digest of the code that makes features: a hint that they may have changed, never part of a fingerprint."""

import ast
import functools
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from extractors import OWN

ROOT = Path(__file__).parents[2]
FLOORS = ("extractors", "pipeline")

SHOWN_BY = "extractors.extraction.views"
"""The module that cuts what extractors are shown: sampling times, resize, resampling, times of words."""

LEFT_OUT = frozenset({"extractors.base", "extractors.registry", "pipeline.config", "pipeline.errors"})
"""Modules that nearly every other one imports, and that compute no feature: the interface, configs, messages."""


@functools.lru_cache(maxsize=256)
def digest(module: str, root: Path = ROOT) -> str:
    """12 hex digits of the code of a module in extractors/ and of all modules of the two lower floors that it leads to.

    What an extractor is shown counts as much as the extractor; of a text encoder it does not, unless one module holds
    both. Comments, docstrings and layout do not count. Another Python may give another digest of the same code.
    """
    trees: dict[str, ast.Module] = {}
    queue = [f"extractors.{module}"]
    while queue:
        name = queue.pop()
        if name in trees or name in LEFT_OUT:
            continue
        tree = _parse(name, root)
        if tree is not None:
            trees[name] = tree
            queue += [*_imported(tree), *([SHOWN_BY] if _has_expert(tree) else [])]
    code = {name: ast.dump(_WithoutDocstrings().visit(tree)) for name, tree in sorted(trees.items())}
    return hashlib.sha256(repr(code).encode()).hexdigest()[:12]


def _parse(name: str, root: Path) -> ast.Module | None:
    """The code of a module, or None when there is no such file (a package, or a name inside a module)."""
    floor, _, rest = name.partition(".")
    own = [Path(os.environ[OWN]) / rest] if floor == "extractors" and rest and OWN in os.environ else []
    for path in (root.joinpath(*name.split(".")), *own):
        if path.with_suffix(".py").is_file():
            return ast.parse(path.with_suffix(".py").read_bytes())
    return None


def _has_expert(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.ClassDef) and node.name == "Expert" for node in tree.body)


def _imported(tree: ast.Module) -> Iterator[str]:
    """Names that may be modules of the two floors and are imported anywhere in a module, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in FLOORS:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in FLOORS)


class _WithoutDocstrings(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        """Drops an expression that is a string: a docstring."""
        is_docstring = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_docstring else node
