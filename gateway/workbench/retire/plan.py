"""Determines what is removed together with a view, and what prevents it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.workbench.retire.module import Module, ModulePart, PartKey
from gateway.workbench.retire.project import ProjectSource
from gateway.workbench.retire.templates import TemplateFile

__all__ = ["InTheWay", "Removal", "RemovalPlan", "plan_for"]

# Bases of classes that Django finds itself, or that rows depend on.
FOUND_BY_DJANGO = frozenset(
    {"Model", "AppConfig", "BaseCommand", "Migration", "ModelAdmin", "AdminSite", "TextChoices", "IntegerChoices"}
)
# Modules whose definitions are found by their place.
BY_PLACE = frozenset({"models", "apps", "admin", "settings", "urls", "signals", "wsgi", "asgi", "management"})
# Decorators that register nothing.
HARMLESS = frozenset(
    {
        "action", "api_view", "asynccontextmanager", "cache", "cache_page", "cached_property", "classmethod",
        "contextmanager", "csrf_exempt", "dataclass", "extend_schema", "extend_schema_view", "extend_schema_serializer",
        "fixture", "frozen", "login_required", "lru_cache", "method_decorator", "never_cache", "parametrize",
        "permission_classes", "property", "require_GET", "require_POST", "require_http_methods", "require_safe",
        "runtime_checkable", "staticmethod", "throttle_classes", "total_ordering", "authentication_classes",
        "renderer_classes", "parser_classes", "permission_required", "user_passes_test", "vary_on_headers", "override",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Removal:
    """What is to be removed: views by module and name, and the names of their URLs. `asks` says whether a path is
    theirs; `keeps_tests`: tests that only request a path stay."""

    views: frozenset[PartKey]
    names: frozenset[str]
    asks: Callable[[str], bool]
    keeps_tests: bool = False


@dataclass(frozen=True, slots=True)
class InTheWay:
    """One use that must be removed by hand first."""

    path: Path
    line: int
    why: str


@dataclass(slots=True)
class RemovalPlan:
    """The parts and templates to be removed, and the uses that prevent it."""

    parts: list[ModulePart] = field(default_factory=list)
    templates: list[TemplateFile] = field(default_factory=list)
    in_the_way: list[InTheWay] = field(default_factory=list)
    noted: list[InTheWay] = field(default_factory=list)


def plan_for(project: ProjectSource, templates: Sequence[TemplateFile], wanted: Removal) -> RemovalPlan:
    """The plan for `wanted`: its URLs, its tests, and what nothing else in the same package uses."""
    return _Planning(project, templates, wanted).plan()


class _Planning:
    def __init__(self, project: ProjectSource, templates: Sequence[TemplateFile], wanted: Removal) -> None:
        self._project = project
        self._templates = templates
        self._wanted = wanted
        self._packages = {module.partition(".")[0] for module, _ in wanted.views}
        self._gone: dict[ModulePart, None] = {}
        self._users: dict[PartKey, list[ModulePart]] = {}
        for part in project.parts:
            for key in project.references(part):
                self._users.setdefault(key, []).append(part)
        self._plan = RemovalPlan()
        self._blocked: dict[InTheWay, ModulePart] = {}

    def plan(self) -> RemovalPlan:
        for key in sorted(self._wanted.views):
            if (part := self._project.part(key)) is not None:
                self._gone[part] = None
        self._use_of_gone()
        self._tests_that_ask()
        while self._unused():
            self._use_of_gone()
        self._fixtures_and_helpers()
        self._names()
        self._plan.in_the_way = [
            *(one for one, part in self._blocked.items() if not self._is_gone(part)),
            *self._reversed_by_templates(),
        ]
        self._plan.parts = [part for part in self._gone if not self._goes_with_its_class(part)]
        self._plan.templates = self._templates_alone()
        return self._plan

    def _is_gone(self, part: ModulePart) -> bool:
        return part in self._gone or self._goes_with_its_class(part)

    def _goes_with_its_class(self, part: ModulePart) -> bool:
        return part.within is not None and part.within in self._gone

    # -- uses of removed parts ------------------------------------------------------------------

    def _use_of_gone(self) -> None:
        """Parts that refer to a removed part are removed too, or prevent it."""
        looked_at: set[ModulePart] = set()
        while waiting := [part for part in self._gone if part not in looked_at]:
            for part in waiting:
                looked_at.add(part)
                for user in self._users.get(part.key, ()) if part.kind == "definition" else ():
                    if user not in self._gone:
                        self._used(part, user)

    def _used(self, part: ModulePart, user: ModulePart) -> None:
        if self._goes_along(user):
            self._gone[user] = None
            self._class_without_methods(user)
        else:
            self._in_the_way(user, _line_of(user, part.name), f"{user.name.splitlines()[0]} uses {part.name}")

    def _goes_along(self, user: ModulePart) -> bool:
        """Whether a part exists only for what it uses: a URL, a test, a value in a URLconf."""
        if user.kind in ("url", "register"):
            return True
        if self._is_own_test(user.module):
            return user.kind in ("definition", "method") and not _is_autouse(user)
        is_value = user.kind == "definition" and isinstance(user.node, ast.Assign)
        return is_value and any(part.kind in ("url", "register") for part in user.module.parts)

    def _is_own_test(self, module: Module) -> bool:
        """Whether a module has tests of the project, not tests that use the gateway."""
        return module.is_test and module.name.partition(".")[0] in self._packages

    def _class_without_methods(self, method: ModulePart) -> None:
        """A test class is removed with its last method."""
        if method.within is None or method.within in self._gone:
            return
        tests = [
            one for one in method.module.parts if one.within is method.within and "test" in one.name.rpartition(".")[2]
        ]
        if all(one in self._gone for one in tests):
            self._gone[method.within] = None

    # -- tests -----------------------------------------------------------------------------------

    def _tests_that_ask(self) -> None:
        """Tests that request a path of a removed view, in their own literals or those of a helper."""
        for part in self._project.parts:
            if not self._is_own_test(part.module) or part in self._gone or part.kind not in ("definition", "method"):
                continue
            named = any(text in self._wanted.names for _, text in part.strings)
            asked = not self._wanted.keeps_tests and any(self._wanted.asks(text) for _, text in part.strings)
            if (named or asked) and not (part.kind == "definition" and _has_methods(part)):
                self._gone[part] = None
                self._class_without_methods(part)
        self._use_of_gone()

    def _fixtures_and_helpers(self) -> None:
        """What only removed tests used, in their own modules; and modules without remaining tests."""
        changed = True
        while changed:
            changed = False
            for part in self._project.parts:
                if part in self._gone or part.kind != "definition" or not self._is_own_test(part.module):
                    continue
                users = self._users.get(part.key, [])
                left_alone = bool(users) and all(user in self._gone for user in users)
                if left_alone or (_is_autouse(part) and self._no_test_left(part.module)):
                    self._gone[part] = None
                    changed = True

    def _no_test_left(self, module: Module) -> bool:
        tests = [part for part in module.parts if part.name.rpartition(".")[2].startswith("test")]
        return bool(tests) and all(part in self._gone for part in tests)

    # -- definitions that only removed parts used -----------------------------------------------

    def _unused(self) -> bool:
        """Remove one more definition that only removed parts use; uses in tests don't count."""
        for part in list(self._gone):
            if part.module.is_test:
                continue
            for key in sorted(self._project.references(part)):
                found = self._project.part(key)
                if found is not None and found not in self._gone and self._may_go(found) and self._is_unused(found):
                    self._gone[found] = None
                    return True
        return False

    def _is_unused(self, part: ModulePart) -> bool:
        users = self._users.get(part.key, ())
        return all(user in self._gone or self._is_own_test(user.module) for user in users)

    def _may_go(self, part: ModulePart) -> bool:
        module = part.module
        if module.name.partition(".")[0] not in self._packages or module.is_test:
            return False
        if BY_PLACE & {*module.name.split(".")}:
            return False
        return not _is_registered(part.node) and not self._is_model(part, 0)

    def _is_model(self, part: ModulePart, depth: int) -> bool:
        """Whether Django finds a class itself, by its bases, including those in the project."""
        if not isinstance(part.node, ast.ClassDef) or depth > len(self._project.modules):
            return False
        names = {_last(base) for base in part.node.bases}
        if names & FOUND_BY_DJANGO:
            return True
        bases = (self._project.part(key) for key in self._project.references(part) if key[1] in names)
        return any(self._is_model(base, depth + 1) for base in bases if base is not None and base is not part)

    # -- names -----------------------------------------------------------------------------------

    def _names(self) -> None:
        """Code that reverses a removed URL."""
        for part in self._project.parts:
            if self._is_gone(part):
                continue
            for line, text in part.strings:
                if text in self._wanted.names and _reverses(part, text):
                    self._in_the_way(part, line, f"{part.name.splitlines()[0]} reverses {text!r}")
                elif text.startswith("/") and self._wanted.asks(text) and not part.module.is_test:
                    self._plan.noted.append(InTheWay(part.module.path, line, f"{text} is the service's now"))

    def _reversed_by_templates(self) -> Iterator[InTheWay]:
        gone = {template.name for template in self._templates_alone()}
        for template in self._templates:
            for line, name in template.reversed if template.name not in gone else ():
                if name in self._wanted.names:
                    yield InTheWay(template.path, line, f"{{% url {name!r} %}}")

    def _in_the_way(self, part: ModulePart, line: int, why: str) -> None:
        self._blocked[InTheWay(part.module.path, line, why)] = part

    # -- templates -------------------------------------------------------------------------------

    def _templates_alone(self) -> list[TemplateFile]:
        """The templates that only removed parts name, and those that only such templates include."""
        by_name = {template.name: template for template in self._templates}
        gone_words = {text for part in self._gone if not part.module.is_test for _, text in part.strings}
        kept = {text for part in self._project.parts if part not in self._gone for _, text in part.strings}
        gone = {name for name in by_name if name in gone_words and name not in kept}
        waiting = [*gone]
        while waiting:
            for name in sorted(by_name[waiting.pop()].takes_in & by_name.keys() - gone - kept):
                takers = {one.name for one in self._templates if name in one.takes_in}
                if takers <= gone:
                    gone.add(name)
                    waiting.append(name)
        taken_in = {name for one in self._templates if one.name not in gone for name in one.takes_in}
        return [by_name[name] for name in sorted(gone - taken_in)]


def _has_methods(part: ModulePart) -> bool:
    return isinstance(part.node, ast.ClassDef)


def _is_autouse(part: ModulePart) -> bool:
    decorators: Collection[ast.expr] = getattr(part.node, "decorator_list", ())
    return any(keyword.arg == "autouse" for one in decorators if isinstance(one, ast.Call) for keyword in one.keywords)


def _is_registered(node: ast.AST) -> bool:
    return any(_last(one) not in HARMLESS for one in getattr(node, "decorator_list", ()))


def _last(node: ast.expr) -> str:
    """The last name of an expression: `models.Model` and `Model[int]` are "Model"."""
    if isinstance(node, ast.Call | ast.Subscript):
        return _last(node.func if isinstance(node, ast.Call) else node.value)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _reverses(part: ModulePart, name: str) -> bool:
    """Whether a literal is the name of a URL: it is unlikely to be anything else, or is passed where names are."""
    if ":" in name or "-" in name:
        return True
    return any(_asks_for_names(node, name) for node in ast.walk(part.node))


NAMED_BY = ("reverse", "reverse_lazy", "redirect", "resolve_url", "url_for")
KEYWORDS = ("view_name", "success_url", "pattern_name", "login_url", "viewname", "url_name")


def _asks_for_names(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Call):
        first = [node.args[0]] if node.args and _last(node.func) in NAMED_BY else []
        given = [keyword.value for keyword in node.keywords if keyword.arg in KEYWORDS]
        return any(isinstance(one, ast.Constant) and one.value == name for one in [*first, *given])
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value == name:
        return any(_last(target).lower().endswith(("_url", "pattern_name", "view_name")) for target in node.targets)
    return False


def _line_of(part: ModulePart, name: str) -> int:
    for node in ast.walk(part.node):
        if (isinstance(node, ast.Name) and node.id == name) or (isinstance(node, ast.Attribute) and node.attr == name):
            return node.lineno
    return part.place[0]
