"""Compiles a configuration into the snapshot that is published: rules, routing table, route policies."""

from __future__ import annotations

import logging
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from gateway.apidoc.paths import free
from gateway.config.health import probe_paths
from gateway.config.parse import Config
from gateway.config.problems import Problem
from gateway.config.routes import RouteConfig
from gateway.rollout.policy import AffinitySettings
from gateway.routing.paths import Others, Paths, both, contest_of, excluded, rest_of
from gateway.routing.regex import takes_slash
from gateway.routing.table import ANY, DEEPEST, EXACT, PREFIX, TEMPLATE, EndpointPattern, Rule, Table
from gateway.routing.template import TemplateError, parse_template
from gateway.snapshot import Snapshot, asking_routes, compile_routes

__all__ = ["compile_snapshot"]

logger = logging.getLogger("gateway")


class Declared:
    """The endpoints that one service declares, indexed: each of thousands of routes looks them up."""

    def __init__(self, endpoints: Sequence[EndpointPattern]) -> None:
        self.paths = Paths(endpoints)
        self._sorted = sorted(endpoints, key=lambda endpoint: (_shape(endpoint.path), endpoint.path))
        self._keys = [_shape(endpoint.path) for endpoint in self._sorted]
        self._shapes: dict[str, list[EndpointPattern]] = {}
        for endpoint in endpoints:
            if not endpoint.is_subtree:
                for shape in {_shape(endpoint.path), _shape(_widened(endpoint))}:
                    self._shapes.setdefault(shape, []).append(endpoint)

    def below(self, prefix: str) -> list[EndpointPattern]:
        """The endpoints at `prefix` and below it, by whole segments: /djangofoo is not below /django. Its parameters
        may have other names and convertors than theirs."""
        parse_template(prefix)  # raises TemplateError
        if prefix == "/":
            return self._sorted
        key = _shape(prefix)
        at = slice(bisect_left(self._keys, key), bisect_right(self._keys, key))
        after_slash = chr(ord("/") + 1)
        under = slice(bisect_left(self._keys, key + "/"), bisect_left(self._keys, key + after_slash))
        return self._sorted[at] + self._sorted[under]

    def shaped(self, template: str) -> list[EndpointPattern]:
        """The endpoints whose template equals this one except for the names and convertors of its parameters."""
        parse_template(template)  # raises TemplateError
        return self._shapes.get(_shape(template), [])

    def __iter__(self) -> Iterator[EndpointPattern]:
        return iter(self._sorted)


def _shape(template: str) -> str:
    # {rest:path} matches whole subtrees, so only a route with the same `path` convertor has the same shape.
    return re.sub(r"{[^}:]*(:path)?[^}]*}", r"{\1}", template)


def _widened(endpoint: EndpointPattern) -> str:
    """The endpoint's template, with the convertor `path` for those of its own that take slashes: an inventory of the
    project's URLs shows them so."""
    wide = [re.escape(name) for name, regex in endpoint.convertors if takes_slash(regex)]
    return re.sub(f":(?:{'|'.join(wide)})}}", ":path}", endpoint.path) if wide else endpoint.path


def compile_snapshot(
    config: Config,
    endpoints: Mapping[str, Sequence[EndpointPattern] | None],
    *,
    known: Callable[[str], bool | None] = lambda _: None,
    others: Others = lambda _: None,
    site: AffinitySettings | None = None,
) -> tuple[Snapshot, list[Problem]]:
    """The snapshot of `config`, and the problems of its routes.

    `endpoints` has, by service, the endpoints that it declares, or None when it can't be introspected. Routes to
    services that are missing there are left out, since the service's problem is already reported. `known` says whether
    legacy has a path, `others` which paths that match an endpoint's template belong to it.
    """
    problems: list[Problem] = []
    rules: list[Rule] = []
    declared = {name: None if found is None else Declared(found) for name, found in endpoints.items()}
    routes = [route for route in config.routes if route.service in endpoints]
    for order, route in enumerate(routes):
        try:
            rules += _rules(route, declared[route.service], order, others, problems)
        except TemplateError as exc:
            problems.append(_no_template(route, exc))
    problems += _templates(route for route in config.routes if route.service not in endpoints)
    pages = {**free(config.gateway, known), **_probes(config, known, problems)}
    table = Table(rules, pages)
    problems += _collisions(table)
    site = site or AffinitySettings()
    by_name = {route.name: route for route in routes}
    compiled = compile_routes(by_name, {}, site)
    limited = frozenset(route.name for route in routes if route.methods)
    return Snapshot(0, table, compiled, known, by_name, site, asking_routes(compiled), limited), problems


def _probes(config: Config, known: Callable[[str], bool | None], problems: list[Problem]) -> dict[str, str]:
    """The pages for probes that take nothing away from the project, and their audiences. If the file names their
    prefix, one that the project has is a problem; elsewhere it stays the project's, and the log says so."""
    free, taken = {}, []
    stated = "prefix" in config.health.model_fields_set
    for path, audience in probe_paths(config.health).items():
        has = known(path)
        if has is False or (has is None and stated):
            free[path] = audience
        elif has:
            taken.append(path)
    if taken and stated:
        expected = f"another prefix, or false: the project has {', '.join(taken)}"
        problems.append(Problem("health.prefix", config.health.prefix, expected))
    elif taken:
        where = "write [health] and another prefix, or false"
        logger.warning("the project has %s: that is no probe of the gateway's; %s", ", ".join(taken), where)
    return free


def _templates(routes: Iterable[RouteConfig]) -> Iterator[Problem]:
    """Problems of the routes' templates that don't depend on what the service declares."""
    for route in routes:
        try:
            parse_template(route.path or route.prefix or "/")
        except TemplateError as exc:
            yield _no_template(route, exc)


def _no_template(route: RouteConfig, error: TemplateError) -> Problem:
    kind, given = ("path", route.path) if route.path is not None else ("prefix", route.prefix)
    return Problem(f"routes[{route.name}].{kind}", given, f"a path template: {error}")


def _rules(
    route: RouteConfig, declared: Declared | None, order: int, others: Others, problems: list[Problem]
) -> list[Rule]:
    key = f"routes[{route.name}]"
    rank = _rank(route)
    wanted = frozenset(route.methods) if route.methods else None
    if declared is None and route.claim == "implemented":
        expected = (
            'claim = "all" (this service is neither FastAPI nor Starlette and can\'t be asked what it implements)'
        )
        problems.append(Problem(f"{key}.claim", route.claim, expected))
        return []
    covered: list[EndpointPattern] = []
    if declared is not None:
        covered = declared.shaped(route.path) if route.path is not None else declared.below(route.prefix or "/")
    found = [
        Rule(route.name, replace(endpoint, methods=methods), rank, order, contest_of(endpoint, declared.paths, others))
        for endpoint in covered
        if declared is not None and (methods := _common(endpoint.methods, wanted))
    ]
    if route.claim == "all":
        path = route.path or route.prefix or "/"
        parse_template(path)
        whole = EndpointPattern(path, wanted or frozenset({ANY}), is_subtree=route.prefix is not None)
        rest = None if declared is None else rest_of(declared.paths, others)
        found.append(Rule(route.name, whole, rank, order, rest, undeclared=True))
    elif not found:
        problems.append(_nothing_implemented(route, declared or ()))
    try:
        given_back = excluded(route.exclude)
    except TemplateError as exc:
        problems.append(Problem(f"{key}.exclude", list(route.exclude), f"paths and templates: {exc}"))
        return found
    return [replace(rule, contest=both(rule.contest, given_back)) for rule in found] if given_back else found


def _rank(route: RouteConfig) -> int:
    if route.path is not None:
        return TEMPLATE if "{" in route.path else EXACT
    return PREFIX + DEEPEST - len([part for part in (route.prefix or "/").split("/") if part])


def _common(methods: frozenset[str], wanted: frozenset[str] | None) -> frozenset[str]:
    if wanted is None:
        return methods
    if ANY in methods:
        return wanted
    return methods & wanted


def _nothing_implemented(route: RouteConfig, endpoints: Iterable[EndpointPattern]) -> Problem:
    kind = "path" if route.path is not None else "prefix"
    pattern = route.path if route.path is not None else route.prefix
    methods = f" for {', '.join(route.methods)}" if route.methods else ""
    shown = ", ".join(sorted({endpoint.path for endpoint in endpoints})[:5]) or "nothing"
    expected = (
        f"a {kind} that service {route.service!r} implements{methods}; it declares {shown}"
        ' (services see the whole path: declare it there, or write claim = "all")'
    )
    return Problem(f"routes[{route.name}].{kind}", pattern, expected)


def _collisions(table: Table) -> list[Problem]:
    problems = {}
    for rule, earlier, method in table.conflicts:
        what = "every method" if method == ANY else method
        problems[rule.route] = Problem(
            f"routes[{rule.route}]",
            None,
            f"ambiguous: route {earlier.route!r} claims {what} on {rule.endpoint.path} with the same precedence",
        )
    for route in sorted(table.unreachable - problems.keys()):
        problems[route] = Problem(f"routes[{route}]", None, "unreachable: more specific routes claim all it could")
    return list(problems.values())
