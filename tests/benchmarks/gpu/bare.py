"""An environment that has what a bare machine with a GPU has, and nothing else: links to packages that are here."""

import ast
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.gpu.there import THERE

OURS = {"pipeline", "extractors", "models", "search", "tasks", "tests", "benchmarks"}


def expose(folder: Path, without: Iterable[str]) -> Path:
    """A folder with links to the packages that are there, and to what they need themselves."""
    folder.mkdir()
    for name in sorted(closure(THERE) - set(without)):
        distribution = metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or [] if file.parts[0] not in {"..", "__pycache__"}}:
            source, link = Path(str(distribution.locate_file(top))), folder / top
            if source.exists() and not link.is_symlink():
                link.symlink_to(source)
    return folder


def closure(names: Iterable[str]) -> set[str]:
    """These packages and all that they need, as far as it is installed here."""
    found: set[str] = set()
    waiting = [canonicalize_name(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        found.add(name)
        for line in needs:
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                waiting.append(canonicalize_name(need.name))
    return found


def modules(root: Path, folders: Iterable[Path]) -> Iterator[str]:
    """The names of the Python files in folders below the root."""
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            name = path.relative_to(root).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
            if not name.endswith("__main__"):
                yield name


def imported(paths: Iterable[Path]) -> set[str]:
    """The packages of others that these files import, at their top or within a function, as far as they are here."""
    found: set[str] = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                found.add(node.module.partition(".")[0])
    others = found - OURS - set(sys.stdlib_module_names)
    return {name for name in others if find_spec(name) is not None}
