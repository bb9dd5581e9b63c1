"""Digest of the code of an extractor: a hint that its features may have changed, never part of a fingerprint."""

import ast
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "extractors"

SHARED = ("base", "registry")
"""Modules that every extractor imports: they define the interface, and compute no feature."""


@functools.lru_cache(maxsize=256)
def digest(module: str, folder: Path = Path(__file__).parents[2] / PACKAGE) -> str:
    """12 hex digits of the code of a module in extractors/ and of the modules there that it imports.

    Comments, docstrings and layout do not count. Another Python may give another digest of the same code.
    """
    trees: dict[str, ast.Module] = {}
    queue = [module]
    while queue:
        name = queue.pop()
        path = folder / f"{name}.py"
        if name not in trees and name not in SHARED and path.is_file():
            trees[name] = ast.parse(path.read_bytes())
            queue += _imported(trees[name])
    code = {name: ast.dump(_WithoutDocstrings().visit(tree)) for name, tree in sorted(trees.items())}
    return hashlib.sha256(repr(code).encode()).hexdigest()[:12]


def _imported(tree: ast.Module) -> Iterator[str]:
    """Names of the modules in extractors/ that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{PACKAGE}."):
            yield node.module.split(".")[1]


class _WithoutDocstrings(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        """Drops an expression that is a string: a docstring."""
        is_docstring = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_docstring else node
