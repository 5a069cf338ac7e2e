"""The changed files, as a diff or on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from gateway.workbench.retire.edit import is_empty, without
from gateway.workbench.retire.module import Module, ModulePart, Position
from gateway.workbench.retire.plan import RemovalPlan
from gateway.workbench.retire.project import ProjectSource

__all__ = ["FileChange", "changes_of", "diff_of", "write"]


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file; `after` is None if it is deleted."""

    path: Path
    before: str
    after: str | None


def changes_of(project: ProjectSource, plan: RemovalPlan) -> list[FileChange]:
    """The change of each file according to `plan`."""
    places: dict[Module, list[Position]] = {}
    for part in plan.parts:
        places.setdefault(part.module, []).append(part.place)
    gone = [part for part in plan.parts if part.kind == "definition"]
    sources = {
        module: without(module, places.get(module, ()), _names_in(project, module, gone))
        for module in project.modules.values()
        if module in places or _imports_any(project, module, gone)
    }
    emptied = _emptied(project, {module: source for module, source in sources.items() if module in places})
    found = [FileChange(module.path, module.source, None) for module in emptied]
    found += [
        FileChange(module.path, module.source, source)
        for module, source in sources.items()
        if module not in emptied and source != module.source
    ]
    found += [FileChange(template.path, template.path.read_text(), None) for template in plan.templates]
    return sorted(found, key=lambda change: change.path)


def _names_in(project: ProjectSource, module: Module, gone: list[ModulePart]) -> set[str]:
    """The local names in `module` of the definitions that are removed."""
    own = {part.name for part in gone if part.module is module}
    keys = {part.key for part in gone}
    passed_on = {
        local
        for local, found in module.imports.items()
        if found.name and project.resolve(found.module, found.name) in keys
    }
    return own | passed_on


def _imports_any(project: ProjectSource, module: Module, gone: list[ModulePart]) -> bool:
    return bool(_names_in(project, module, gone))


def _emptied(project: ProjectSource, sources: Mapping[Module, str]) -> list[Module]:
    """The modules that become empty, and that no other module imports as a module."""
    empty = [module for module, source in sources.items() if is_empty(source) and not module.is_package]
    return [module for module in empty if not any(_imports(other, module) for other in project.modules.values())]


def _imports(other: Module, module: Module) -> bool:
    """Whether `other` imports the module itself and still uses it: imports of its names are removed."""
    if other is module:
        return False
    package, _, stem = module.name.rpartition(".")
    for local, found in other.imports.items():
        if (found.module, found.name) in ((package, stem), (module.name, "")):
            return any(part.names and (local,) in {chain[:1] for chain in part.names} for part in other.parts)
    return module.name in other.stars


def diff_of(changes: list[FileChange], root: Path) -> str:
    """A unified diff for `patch -p1` and `git apply`."""
    return "".join(line for change in changes for line in _diff(change, root))


def _diff(change: FileChange, root: Path) -> Iterator[str]:
    name = change.path.relative_to(root)
    after = [] if change.after is None else change.after.splitlines(keepends=True)
    to = "/dev/null" if change.after is None else f"b/{name}"
    yield f"diff --git a/{name} b/{name}\n"
    if change.after is None:
        yield "deleted file mode 100644\n"
    for line in unified_diff(change.before.splitlines(keepends=True), after, f"a/{name}", to):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def write(changes: list[FileChange]) -> None:
    """Make the changes. Raises OSError."""
    for change in changes:
        if change.after is None:
            change.path.unlink()
        else:
            change.path.write_text(change.after, encoding="utf-8")
