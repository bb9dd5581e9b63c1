"""What the code of an extractor says, as a digest: only ever a hint, for no digest knows what a change means."""

import ast
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "extractors"

SHARED = ("base", "registry")
"""What every extractor imports: the contract, which makes no feature."""


@functools.lru_cache(maxsize=256)
def digest(module: str, folder: Path = Path(__file__).parents[2] / PACKAGE) -> str:
    """12 hex digits of the code of a module in extractors/ and of the modules there that it imports.

    Comments, docstrings and layout do not count. Another Python may give another digest of the same code.
    """
    trees: dict[str, ast.Module] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = folder / f"{name}.py"
        if name not in trees and name not in SHARED and path.is_file():
            trees[name] = ast.parse(path.read_bytes())
            waiting += _imported(trees[name])
    told = {name: ast.dump(_WithoutDocstrings().visit(tree)) for name, tree in sorted(trees.items())}
    return hashlib.sha256(repr(told).encode()).hexdigest()[:12]


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{PACKAGE}."):
            yield node.module.split(".")[1]


class _WithoutDocstrings(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        """Drops a string that stands alone."""
        alone = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if alone else node
