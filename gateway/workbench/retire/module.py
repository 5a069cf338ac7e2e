"""One Python file of the project, in parts: definitions, URL patterns, tests, and the names that each uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gateway.workbench.syntax import called_name

__all__ = ["Import", "Module", "ModulePart", "PartKey", "Position", "read_module"]

Position = tuple[int, int]  # line from 1, column from 0, as in ast and libcst
PartKey = tuple[str, str]  # module and name
# definition: a class, function or value with a name. url: an entry of a list of URL patterns. register: a statement
# such as `router.register(…)`. method: of a test class. statement: everything else.
PartKind = Literal["definition", "url", "register", "method", "statement"]
NOT_DEFINITIONS = frozenset(
    {"urlpatterns", "__all__", "app_name", "handler400", "handler403", "handler404", "handler500"}
)
ROUTING = frozenset({"path", "re_path", "url"})
DEFINING = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Import:
    """An imported name: `name` is empty for a module. `place` is that of the alias."""

    module: str
    name: str
    place: Position


@dataclass(eq=False, slots=True, repr=False)
class ModulePart:
    """A part of a module that stays or is removed as a whole. `within` is the class that contains a method.

    `names` are those that it reads, with their attributes (`views.QuotesView` is ("views", "QuotesView")), `strings`
    its literals, f-strings with a placeholder for each value; `arguments` those of a function."""

    module: Module
    kind: PartKind
    name: str
    place: Position
    node: ast.AST
    within: ModulePart | None = None
    names: set[tuple[str, ...]] = field(default_factory=set)
    strings: list[tuple[int, str]] = field(default_factory=list)
    arguments: frozenset[str] = frozenset()

    @property
    def key(self) -> PartKey:
        """The key by which other parts refer to it."""
        return self.module.name, self.name


@dataclass(eq=False, slots=True, repr=False)
class Module:
    """A file. `imports` are by local name; `stars` are the modules of its star imports."""

    name: str
    path: Path
    source: str
    is_package: bool
    tree: ast.Module
    imports: dict[str, Import] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    parts: list[ModulePart] = field(default_factory=list)

    @property
    def definitions(self) -> dict[str, ModulePart]:
        """The definitions by name."""
        return {part.name: part for part in self.parts if part.kind == "definition"}

    @property
    def is_test(self) -> bool:
        """Whether pytest or Django's runner would look for tests, or their fixtures, in it."""
        stem = self.path.stem
        return "tests" in self.path.parts[:-1] or stem in ("tests", "conftest") or stem.startswith("test_")


def read_module(path: Path, name: str) -> Module | None:
    """The module in this file; None if this version of Python can't parse it."""
    try:
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
    except (SyntaxError, ValueError, OSError):
        return None
    made = Module(name, path, source, path.stem == "__init__", tree)
    for node in ast.walk(tree):
        _import(made, node)
    for statement in tree.body:
        made.parts += _parts(made, statement)
    return made


def _import(module: Module, node: ast.AST) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            local = alias.asname or alias.name.partition(".")[0]
            target = alias.name if alias.asname else local
            module.imports[local] = Import(target, "", (alias.lineno, alias.col_offset))
    elif isinstance(node, ast.ImportFrom):
        origin = _absolute(module, node)
        for alias in node.names:
            if alias.name == "*":
                module.stars.append(origin)
            else:
                place = alias.lineno, alias.col_offset
                module.imports[alias.asname or alias.name] = Import(origin, alias.name, place)


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    steps = module.name.split(".")
    base = steps[: len(steps) - node.level + (1 if module.is_package else 0)]
    return ".".join([*base, *([node.module] if node.module else [])])


def _parts(module: Module, statement: ast.stmt) -> Iterator[ModulePart]:
    if isinstance(statement, ast.Import | ast.ImportFrom) or _is_text(statement):
        return
    if isinstance(statement, ast.If) and all(isinstance(one, ast.Import | ast.ImportFrom) for one in statement.body):
        return  # if TYPE_CHECKING:
    if isinstance(statement, ast.ClassDef) and module.is_test:
        yield from _class_of_tests(module, statement)
        return
    name = _defined(statement)
    if name is not None:
        yield _made(module, "definition", name, statement)
        return
    patterns = [*_patterns(statement)]
    for pattern in patterns:
        yield _made(module, "url", ast.unparse(pattern)[:80], pattern)
    kind: PartKind = "register" if _registers(statement) else "statement"
    yield _made(module, kind, ast.unparse(statement)[:80], statement, without=patterns)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _defined(statement: ast.stmt) -> str | None:
    if isinstance(statement, DEFINING):
        return statement.name
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    if len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id not in NOT_DEFINITIONS:
        return targets[0].id
    return None


def _class_of_tests(module: Module, statement: ast.ClassDef) -> Iterator[ModulePart]:
    methods = [one for one in statement.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    whole = _made(module, "definition", statement.name, statement, without=methods)
    yield whole
    for method in methods:
        part = _made(module, "method", f"{statement.name}.{method.name}", method)
        part.within = whole
        yield part


def _patterns(statement: ast.stmt) -> Iterator[ast.expr]:
    """The calls of `path()` and the like in a statement's lists, including those in the lists of an include."""
    for node in ast.walk(statement):
        if isinstance(node, ast.List | ast.Tuple):
            for element in node.elts:
                if isinstance(element, ast.Call) and called_name(element) in ROUTING and not _includes(element):
                    yield element


def _includes(call: ast.Call) -> bool:
    return any(isinstance(node, ast.Call) and called_name(node) == "include" for node in ast.walk(call))


def _registers(statement: ast.stmt) -> bool:
    value = getattr(statement, "value", None)
    return isinstance(statement, ast.Expr) and isinstance(value, ast.Call) and called_name(value) == "register"


def _made(module: Module, kind: PartKind, name: str, node: ast.AST, without: Sequence[ast.AST] = ()) -> ModulePart:
    place = node.lineno, node.col_offset  # type: ignore[attr-defined] # statements and expressions have both
    part = ModulePart(module, kind, name, place, node)
    left_out = {id(one) for one in without}
    _read(part, node, left_out)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        given = node.args
        part.arguments = frozenset(one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs))
    return part


def _read(part: ModulePart, node: ast.AST, left_out: set[int]) -> None:
    if id(node) in left_out:
        return
    if isinstance(node, ast.Attribute) and (chain := _chain(node)) is not None:
        part.names.add(chain)
        return
    if isinstance(node, ast.Name):
        part.names.add((node.id,))
    elif isinstance(node, ast.JoinedStr):
        part.strings.append((node.lineno, _f_string(node)))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        part.strings.append((node.lineno, node.value))
    for child in ast.iter_child_nodes(node):
        _read(part, child, left_out)


def _chain(node: ast.expr) -> tuple[str, ...] | None:
    steps: list[str] = []
    while isinstance(node, ast.Attribute):
        steps.append(node.attr)
        node = node.value
    return (node.id, *reversed(steps)) if isinstance(node, ast.Name) else None


def _f_string(node: ast.JoinedStr) -> str:
    """The text, with a number for each value."""
    return "".join(str(one.value) if isinstance(one, ast.Constant) else "7" for one in node.values)
