"""The shape of the code: sizes, no circles, rooms that say what they are for, tests that mirror, true documents."""

import ast
import os
import re
from functools import cache
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("pipeline", "extractors", "models", "search", "tasks")
SOURCES = sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))
ROOMS = sorted(path for path in SOURCES if path.name == "__init__.py" and path.parent.name not in FLOORS)
DOCUMENTS = ("ARCHITECTURE.md", "CONTRIBUTING.md")

OF_SEVERAL = {
    "tests/extractors/extraction/test_bad_files.py",
    "tests/extractors/extraction/test_changed_files.py",
    "tests/extractors/extraction/test_files_in_order.py",
    "tests/extractors/extraction/test_remote_videos.py",
    "tests/extractors/test_contract.py",
    "tests/models/test_evaluate_released.py",
    "tests/models/test_released_configs.py",
    "tests/pipeline/datasets/readers/test_readers.py",
    "tests/search/pages/test_accessibility.py",
    "tests/search/pages/test_static.py",
    "tests/search/test_chromium.py",
    "tests/tasks/rerun/test_configs.py",
    "tests/tasks/rerun/test_damages.py",
    "tests/tasks/rerun/test_disks.py",
    "tests/tasks/rerun/test_interruptions.py",
    "tests/tasks/rerun/test_stop_signals.py",
    "tests/tasks/rerun/test_videos.py",
    "tests/tasks/rerun/test_weights.py",
    "tests/tasks/test_captions.py",
    "tests/tasks/test_model_configs.py",
    "tests/tasks/test_next_network.py",
    "tests/tasks/test_recipe_property.py",
}
"""Tests of what several source files do together."""

SHORT_NAMES = {"pipeline/stores/__init__.py": "__getattr__"}
"""Rooms that give what stands in a room above under a short name as well -> the function that does it."""

MOST_LINES_OF_FILE = 250
MOST_LINES_OF_FUNCTION = 40


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_there_is_code_to_look_at():
    assert len(SOURCES) > 200
    assert len(ROOMS) > 20


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_and_functions_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES_OF_FILE
    functions = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= MOST_LINES_OF_FUNCTION]
    assert not long


@pytest.mark.parametrize("path", ROOMS, ids=name_of)
def test_a_room_says_in_one_line_what_it_is_for_and_nothing_else(path):
    statement, *rest = parsed(path).body
    if name_of(path) in SHORT_NAMES:
        typing, function = rest
        assert isinstance(typing, ast.ImportFrom) and typing.module == "typing"
        assert isinstance(function, ast.FunctionDef) and function.name == SHORT_NAMES[name_of(path)]
    else:
        assert not rest
    assert isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    assert "\n" not in statement.value.value.strip()


def test_every_folder_with_code_is_a_room():
    assert {path.parent for path in SOURCES} == {path.parent for path in SOURCES if path.name == "__init__.py"}


def test_no_module_imports_itself_through_others():
    """Also where an import stands inside a function: import-linter looks at neighbours, this at any two modules."""
    graph = grimp.build_graph(*FLOORS, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    while free := [module for module, imported in imports.items() if not imported & imports.keys()]:
        for module in free:
            del imports[module]
    assert not imports, f"circles among: {', '.join(sorted(imports))}"


def test_the_root_of_extractors_holds_only_what_a_yaml_may_name():
    for path in sorted((ROOT / "extractors").glob("*.py")):
        classes = {node.name for node in parsed(path).body if isinstance(node, ast.ClassDef)}
        assert path.stem in {"__init__", "base", "configs", "registry"} or classes & {"Expert", "Encoder"}, path.name


def test_the_root_of_tasks_holds_only_tasks_and_what_they_share():
    shared = {"__init__", "__main__", "dataset_task", "parameters"}
    for path in sorted((ROOT / "tasks").glob("*.py")):
        classes = {node.name for node in parsed(path).body if isinstance(node, ast.ClassDef)}
        exported = set(ast.literal_eval(next(
            node.value for node in parsed(ROOT / "tasks" / "__init__.py").body if isinstance(node, ast.Assign)
        )))  # fmt: skip
        assert path.stem in shared or classes & exported, f"{path.name} holds no task that can be typed"


def test_every_test_file_stands_where_its_source_stands():
    mirrored = [path for floor in FLOORS for path in (ROOT / "tests" / floor).rglob("test_*.py")]
    of_pages = [path for suffix in ("js", "css") for path in (ROOT / "search" / "pages" / "static").glob(f"*.{suffix}")]
    sources = {ROOT / "tests" / path.relative_to(ROOT).with_name(f"test_{path.stem}.py") for path in SOURCES + of_pages}
    assert {name_of(path) for path in set(mirrored) - sources} == OF_SEVERAL


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_exists(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[\w.]+/)+[\w.]*|[\w]+\.(?:toml|cfg|md|lock|yml))`", text))
    made_by_the_reader = {path for path in named if "mine" in path or "smile" in path or path.startswith(".venv/")}
    assert len(named) > 10
    assert not {path for path in named - made_by_the_reader if not (ROOT / path).exists()}


def rooms_table() -> str:
    """A line for each room: its folder, and what its package says that it is for."""
    lines = [f"| `{name_of(path.parent)}/` | {ast.get_docstring(parsed(path))} |" for path in ROOMS]
    return "\n".join(["| room | what is in it |", "| --- | --- |", *lines])


def test_the_table_of_rooms_is_what_the_packages_say():
    path = ROOT / "ARCHITECTURE.md"
    text = path.read_text(encoding="utf-8")
    begin, end = text.index("<!-- rooms:"), text.index("<!-- /rooms -->")
    begin = text.index("\n", begin) + 1
    if os.environ.get("UPDATE_README"):
        path.write_text(f"{text[:begin]}{rooms_table()}\n{text[end:]}", encoding="utf-8")
    else:
        assert text[begin:end].strip() == rooms_table(), "UPDATE_README=1 pytest tests/test_architecture.py"


def test_the_architecture_is_read_in_one_go():
    assert len((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()) <= 140


def test_the_versions_stand_where_the_architecture_says():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| [^|]+ \| ([^|]*`\w*VERSION`[^|]*) in (`[\w/.]+`) \|$", text, re.MULTILINE)
    rows = [part.rpartition(" in ") for cell in cells for part in " in ".join(cell).split("; ")]
    assert len(rows) >= 6
    for names, _, path in [(names, _, path.strip("`")) for names, _, path in rows]:
        for name in re.findall(r"`(\w+)`", names):
            assert re.search(rf"^{name} = \d+", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), (name, path)


def test_each_common_change_names_at_most_three_files():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = text.split("## Where to go to change something")[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith(("| to", "| ---"))]
    assert len(rows) >= 10
    for row in rows:
        files = re.findall(r"`[^`]+[./][^`]+`", row.split("|")[2])
        assert 1 <= len(files) <= 3, row
