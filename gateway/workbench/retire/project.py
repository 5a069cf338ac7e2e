"""The project's own Python files, and the references between them."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from gateway.workbench.retire.module import Module, ModulePart, PartKey, read_module

__all__ = ["ProjectSource", "read_project"]

# Folders without source of the project.
SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "build", "dist", "migrations"})
DEEPEST = 10  # modules through which a name is imported


class ProjectSource:
    """The modules below `root`, by name."""

    def __init__(self, root: Path, modules: Mapping[str, Module]) -> None:
        self.root = root
        self.modules = modules
        self._references: dict[ModulePart, frozenset[PartKey]] = {}

    @property
    def parts(self) -> Iterator[ModulePart]:
        """Every part of every module."""
        return (part for module in self.modules.values() for part in module.parts)

    def part(self, key: PartKey) -> ModulePart | None:
        """The definition with this key."""
        module = self.modules.get(key[0])
        return None if module is None else module.definitions.get(key[1])

    def references(self, part: ModulePart) -> frozenset[PartKey]:
        """The definitions of the project to which `part` refers: by name, by a dotted path in a string, and in a test
        by an argument, which names a fixture."""
        if part not in self._references:
            self._references[part] = frozenset(self._referred(part))
        return self._references[part]

    def _referred(self, part: ModulePart) -> Iterator[PartKey]:
        for chain in part.names:
            if (key := self._named(part.module, chain)) is not None and key != part.key:
                yield key
        for _, text in part.strings:
            module, _, name = text.rpartition(".")
            if module and (key := self.resolve(module, name)) is not None:
                yield key
        for argument in part.arguments if part.module.is_test else ():
            if (key := self._fixture(part.module, argument)) is not None:
                yield key

    def _named(self, module: Module, chain: tuple[str, ...]) -> PartKey | None:
        first, *rest = chain
        if first in module.definitions:
            return module.name, first
        if (found := module.imports.get(first)) is None:
            for origin in module.stars:
                if (key := self.resolve(origin, first)) is not None:
                    return key
            return None
        if found.name and (key := self.resolve(found.module, found.name)) is not None:
            return key
        where = f"{found.module}.{found.name}" if found.name else found.module
        for step in rest:
            if (key := self.resolve(where, step)) is not None:
                return key
            where = f"{where}.{step}"
        return None

    def resolve(self, module: str, name: str, depth: int = 0) -> PartKey | None:
        """The definition that `module` calls `name`, possibly imported through other modules."""
        found = self.modules.get(module)
        if found is None or depth > DEEPEST:
            return None
        if name in found.definitions:
            return module, name
        if (passed := found.imports.get(name)) is not None and passed.name:
            return self.resolve(passed.module, passed.name, depth + 1)
        for origin in found.stars:
            if (key := self.resolve(origin, name, depth + 1)) is not None:
                return key
        return None

    def _fixture(self, module: Module, name: str) -> PartKey | None:
        """The fixture of this name, in the module or in the closest conftest.py."""
        if name in module.definitions:
            return module.name, name
        package = module.name.rpartition(".")[0]
        while True:
            conftest = f"{package}.conftest" if package else "conftest"
            if (found := self.modules.get(conftest)) is not None and name in found.definitions:
                return conftest, name
            if not package:
                return None
            package = package.rpartition(".")[0]


def read_project(root: Path, excluded: Collection[Path] = ()) -> ProjectSource:
    """Every Python file below `root`, without migrations, installed packages and the folders `excluded`."""
    modules = {}
    for path in _files(root.resolve(), frozenset(folder.resolve() for folder in excluded)):
        if (module := read_module(path, _name(path, root.resolve()))) is not None:
            modules[module.name] = module
    return ProjectSource(root.resolve(), modules)


def _files(folder: Path, excluded: frozenset[Path]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            own = path.name not in SKIPPED and not path.name.startswith(".") and not (path / "pyvenv.cfg").exists()
            if own and not path.is_symlink() and path not in excluded:
                yield from _files(path, excluded)
        elif path.suffix == ".py":
            yield path


def _name(path: Path, root: Path) -> str:
    """The module's dotted name, as imported from the longest matching entry of sys.path."""
    bases = [Path(entry).resolve() for entry in sys.path if entry] + [root]
    base = max((one for one in bases if path.is_relative_to(one)), key=lambda one: len(one.parts))
    base = base if base.is_relative_to(root) else root
    steps = path.relative_to(base).with_suffix("").parts
    return ".".join(steps[:-1] if steps[-1] == "__init__" and len(steps) > 1 else steps)
