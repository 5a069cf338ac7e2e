"""docs/DESIGN.md is the map, and so are packages' docstrings: what is on it is there. No import goes round."""

import ast
import re
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GATEWAY = ROOT / "gateway"
HOUSE = (ROOT / "docs/DESIGN.md").read_text().partition("From the top down:")[2].partition("\n    legacy/")[0]
NAMED = set(re.findall(r"\b(\w+\.py)\b", HOUSE))
ROOMS = {path.parent.name for path in GATEWAY.glob("*/__init__.py")} | {path.name for path in GATEWAY.glob("[a-z]*.py")}


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_every_package_is_on_the_map(room):
    assert re.search(rf"(?<![\w/]){re.escape(room)}(?!\w)", HOUSE)


def test_every_module_on_the_map_is_there():
    assert {path.name for path in GATEWAY.rglob("*.py")} >= NAMED


PACKAGES = sorted(path for path in GATEWAY.rglob("__init__.py") if "migrations" not in path.parts)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.parent.name)
def test_every_module_that_a_package_names_is_there(package):
    named = set(re.findall(r"\b\w+\.py\b", ast.get_docstring(ast.parse(package.read_text())) or ""))
    assert {path.name for path in GATEWAY.rglob("*.py")} | {"manage.py"} >= named


def imported(path: Path, modules: set[str]) -> set[str]:
    """The modules of the gateway's that this one imports: at its top, inside of functions, or for types alone."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            found |= {name if name in modules else node.module for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & modules


@pytest.mark.long
def test_no_import_goes_round():
    paths = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in GATEWAY.rglob("*.py")
    }
    graph = {name: imported(path, {*paths}) - {name} for name, path in paths.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError, with the circle


def test_a_class_name_means_one_thing():
    """workbench/shapes is left out: the JSON of a thing has the thing's name."""
    paths = [path for path in GATEWAY.rglob("*.py") if not {"migrations", "shapes"} & {*path.parts}]
    names = Counter(
        node.name
        for path in paths
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []


# The rooms that a request goes through, and what a class in them may have.
PATH = [
    "app", "resolver", "admission", "dispatch", "rollout", "routing", "mirroring", "bridge", "legacy", "threads",
    "upstreams", "http1",
]  # fmt: skip
LINES, ATTRIBUTES = 150, 15


def attributes(node: ast.ClassDef) -> set[str]:
    """What the methods of a class set on `self`."""
    stored = (one for one in ast.walk(node) if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Store))
    return {one.attr for one in stored if isinstance(one.value, ast.Name) and one.value.id == "self"}


def classes() -> list[ast.ClassDef]:
    paths = [path for room in PATH for path in (*GATEWAY.glob(f"{room}.py"), *(GATEWAY / room).rglob("*.py"))]
    return [node for path in paths for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]


@pytest.mark.long
def test_no_class_that_a_request_meets_is_too_large():
    sizes = [(node.name, (node.end_lineno or 0) - node.lineno + 1, len(attributes(node))) for node in classes()]
    assert [size for size in sizes if size[1] > LINES or size[2] > ATTRIBUTES] == []


def test_the_makefile_finds_the_files_of_slow_tests():
    """It looks for their markers in tests and conftest.py alone."""
    marker = re.compile(r"mark\.(slow|server|thirdparty)\b")
    files = [path for folder in ("tests", "legacy") for path in (ROOT / folder).rglob("*.py")]
    marked = {path.name for path in files if marker.search(path.read_text()) and path != Path(__file__)}
    assert {name for name in marked if not name.startswith("test_")} == {"conftest.py"}
