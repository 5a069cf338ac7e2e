"""The retirement of one route's views: what can be removed, and whether."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from django.urls import Resolver404, resolve

from gateway.workbench.contract.routed import named
from gateway.workbench.retire.module import ModulePart, PartKey
from gateway.workbench.retire.patch import FileChange, changes_of
from gateway.workbench.retire.plan import InTheWay, Removal, RemovalPlan, plan_for
from gateway.workbench.retire.project import ProjectSource, read_project
from gateway.workbench.retire.templates import read_templates
from gateway.workbench.retired import RetiredView, retired_views

if TYPE_CHECKING:
    from gateway.snapshot import Snapshot

__all__ = ["Retirement", "retirement_of"]


@dataclass(frozen=True, slots=True)
class Retirement:
    """The result for a route's views. `views` can be removed, `kept` stay since something else still leads to them;
    `changes` are the patch, `in_the_way` must be changed by hand first, `noted` is what continues to work with the
    service."""

    root: Path
    views: Sequence[RetiredView]
    kept: Sequence[RetiredView]
    parts: Sequence[ModulePart] = ()
    changes: list[FileChange] = field(default_factory=list)
    in_the_way: Sequence[InTheWay] = ()
    noted: Sequence[InTheWay] = ()

    @property
    def patterns(self) -> frozenset[str]:
        """The patterns of the removed URLs, in the form of `ResolverMatch.route`."""
        return frozenset(url.pattern.replace("^", "") for view in self.views for url in view.gone)


def retirement_of(
    snapshot: Snapshot, route: str, root: Path, *, keep_tests: bool = False, excluded: Collection[Path] = ()
) -> Retirement:
    """The retirement of `route`, which is retired in `snapshot`. Reads every template below `root`, and every Python
    file that is not in one of the folders `excluded`."""
    concerned = [view for view in retired_views(snapshot) if route in view.routes]
    views = [view for view in concerned if view.deletable]
    kept = [view for view in concerned if not view.deletable]
    if not views:
        return Retirement(root, views, kept)
    project = read_project(root, excluded)
    keys = {view.view: _key(project, view.view) for view in views}
    unknown = [
        InTheWay(root, 0, f"{name} is nowhere in the project's source") for name, key in keys.items() if key is None
    ]
    names = frozenset(url.name for view in views for url in view.gone if url.name)
    dotted = {view.view for view in views}
    wanted = Removal(
        frozenset(key for key in keys.values() if key is not None), names, lambda text: _asks(text, dotted), keep_tests
    )
    plan: RemovalPlan = plan_for(project, read_templates(root), wanted)
    changes = changes_of(project, plan)
    return Retirement(root, views, kept, plan.parts, changes, [*unknown, *plan.in_the_way], plan.noted)


def _key(project: ProjectSource, dotted: str) -> PartKey | None:
    """The key of a view, from its dotted name."""
    module, _, name = dotted.rpartition(".")
    return project.resolve(module, name)


def _asks(text: str, views: set[str]) -> bool:
    """Whether a literal is a path of one of `views`, with any values for a format's fields."""
    if not text.startswith("/") or any(character.isspace() for character in text):
        return False
    path = "".join(_filled(text.partition("?")[0]))
    try:
        return named(resolve(path).func) in views
    except Resolver404:
        return False


def _filled(text: str) -> Iterator[str]:
    depth = 0
    for character in text:
        if character == "{":
            depth += 1
            yield "7" if depth == 1 else ""
        elif character == "}":
            depth = max(depth - 1, 0)
        elif not depth:
            yield character
