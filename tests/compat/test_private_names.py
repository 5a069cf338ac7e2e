"""Private names of other libraries stand in `gateway/compat`, where each has its reason and its test."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

GATEWAY = Path(__file__).parents[2] / "gateway"
COMPAT = GATEWAY / "compat"
# Of Django's models, of DRF's Request, of named tuples, of `os`, and of Django's storages: their manuals name them.
DOCUMENTED = {
    "_base_manager", "_default_manager", "_exit", "_fields", "_meta", "_open", "_replace", "_request", "_save",
}  # fmt: skip


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name.isidentifier() and name != "_"


def own_names(tree: ast.Module) -> Iterator[str]:
    """What the gateway itself defines: functions, classes, and attributes that it sets on `self`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            yield node.attr
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def used_names(tree: ast.Module) -> Iterator[str]:
    """Private names of objects, and what is asked for, taken or imported by such a name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("getattr", "hasattr", "pop"):
            yield from (part.value for part in node.args if isinstance(part, ast.Constant) and type(part.value) is str)
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            yield str(node.slice.value)
        elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("gateway"):
            yield from (alias.name for alias in node.names)


@pytest.mark.long
def test_no_private_name_of_another_library_stands_outside_of_compat():
    modules = {path: ast.parse(path.read_text()) for path in GATEWAY.rglob("*.py") if path.parent != COMPAT}
    known = {name for tree in modules.values() for name in own_names(tree)} | DOCUMENTED
    found = {
        (path.relative_to(GATEWAY).as_posix(), name)
        for path, tree in modules.items()
        for name in used_names(tree)
        if is_private(name) and name not in known
    }
    assert found == set()


def exported(tree: ast.Module) -> list[str]:
    assigned = (node for node in tree.body if isinstance(node, ast.Assign))
    names = next(node.value for node in assigned if ast.unparse(node.targets[0]) == "__all__")
    return [name for name in ast.literal_eval(names) if name[0].islower()]


@pytest.mark.parametrize("path", sorted(path.name for path in COMPAT.glob("[a-z]*.py")))
def test_every_function_of_compat_has_a_test(path):
    source = Path(__file__).with_name(f"test_{path}").read_text()
    used = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}

    assert set(exported(ast.parse((COMPAT / path).read_text()))) <= used
