"""The house: how long files and functions are, and that no room knows a higher one."""

from __future__ import annotations

import ast
from pathlib import Path

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


def tree(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many, without the docstring."""
    explained = function.body[0].end_lineno if ast.get_docstring(function) else function.lineno
    return function.end_lineno - explained


def test_files_and_functions_are_short() -> None:
    assert len(FILES) > 100
    long = [name(path) for path in FILES if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_FILE]
    long += [
        f"{name(path)}: {function.name}, line {function.lineno}"
        for path in FILES
        for function in functions(path)
        if lines(function) >= LONGEST_FUNCTION
    ]
    assert not long


def test_no_room_knows_a_higher_one() -> None:
    higher = []
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for line, module in imports(tree(path)) if room != "__init__" else []:
            other = module.split(".")[1]
            if other != room and FLOOR[other] >= FLOOR[room]:
                higher.append(f"{name(path)} imports {other} in line {line}")
    assert not higher


def test_own_modules_are_imported_at_the_top() -> None:
    """An import inside a function is the sign of a wall that stands wrong."""
    found = [(name(path), imports(function)) for path in PACKAGE.rglob("*.py") for function in functions(path)]
    assert not [(path, own) for path, own in found if own]
