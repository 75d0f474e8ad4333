"""The house: how long files and functions are, and that no room knows a higher one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "etvae_tf"
FILES = sorted(path for folder in ("etvae_tf", "configs", "tests") for path in (ROOT / folder).rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 300, 50  # lines; a function's without its docstring
ROOMS = (  # from the lowest; rooms of one line do not know each other
    ("errors", "config"),
    ("files", "fields", "progress", "compat"),
    ("geometry",),
    ("data", "measures"),
    ("layers", "objectives"),
    ("models",),
    ("training",),
    ("evaluation",),
    ("report",),
    ("run", "vote_tables"),
    ("serving",),
    ("inference",),  # answers by what serving exports
    ("experiments",),
    ("modes",),
    ("cli",),
    ("__main__",),
)
FLOOR = {room: floor for floor, rooms in enumerate(ROOMS) for room in rooms}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(tree: ast.AST) -> list[tuple[int, str]]:
    """(line, module) of every import of the package's own modules."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "etvae_tf":
            names = [alias.name for alias in node.names] if node.module == "etvae_tf" else [""]
            found += [(node.lineno, f"{node.module}.{one}".rstrip(".")) for one in names]
        elif isinstance(node, ast.Import):
            found += [(node.lineno, one.name) for one in node.names if one.name.split(".")[0] == "etvae_tf"]
    return found


@pytest.mark.parametrize("path", FILES, ids=name)
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            explained = node.body[0].end_lineno if ast.get_docstring(node) else node.lineno
            assert node.end_lineno - explained < LONGEST_FUNCTION, f"{node.name}, line {node.lineno}"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=name)
def test_no_room_knows_a_higher_one(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room == "__init__":
        return
    for line, module in imports(ast.parse(path.read_text(encoding="utf-8"))):
        other = module.split(".")[1]
        assert other == room or FLOOR[other] < FLOOR[room], f"{room} imports {other} in line {line}"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=name)
def test_own_modules_are_imported_at_the_top(path: Path) -> None:
    """An import inside a function is the sign of a wall that stands wrong."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert not [found for function in functions for found in imports(function)]
