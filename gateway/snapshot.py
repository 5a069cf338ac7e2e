"""Configuration, compiled for the request path. Immutable; a new one replaces the old by one assignment."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.types import Scope

from gateway.config import Config, Problem, RouteConfig
from gateway.rollout.decision import Choice, at_stage
from gateway.rollout.plan import Site, declared_state, planned
from gateway.rollout.stage import State
from gateway.routing.facts import BadRequest, Facts
from gateway.routing.table import (
    ANY,
    DEEPEST,
    EXACT,
    OTHER_METHODS,
    PREFIX,
    TEMPLATE,
    Claim,
    Endpoint,
    Match,
    Table,
    TemplateError,
    parse_template,
)

__all__ = ["Snapshot", "compile_snapshot"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one request needs to be decided. Read once per request, so that it can change meanwhile.

    `choices` has what each route decides, `asking` the routes that need to know the caller. `known` says whether
    legacy has a path in its URLconf (None: it can't be asked). `revision` is that of the runtime changes in force,
    0 while there are none.
    """

    revision: int
    table: Table
    choices: Mapping[str, Choice]
    known: Callable[[str], bool | None]
    routes: Mapping[str, RouteConfig]
    site: Site
    asking: frozenset[str] = frozenset()
    limited: frozenset[str] = frozenset()  # routes that list their methods

    def at(self, states: Mapping[str, State], revision: int) -> Snapshot:
        """This snapshot with routes at these states, and all others where the file says. Other names are left out."""
        choices = _choices(self.routes, states, self.site)
        return replace(self, revision=revision, choices=choices, asking=_asking(choices))

    def match(self, facts: Facts, scope: Scope) -> Match | None:
        """The claim on this request. Raises BadRequest when another reading of it has another owner."""
        match = self.table.match(facts.path, facts.wanted)
        if match is OTHER_METHODS:
            match = self._owner(facts.path, facts.wanted)
        if facts.odd:
            self._refuse_ambiguous(facts, scope.get("raw_path") or b"", match)
        return match

    def _owner(self, path: str, method: str) -> Match | None:
        match = self.table.match(path, method)
        if match is OTHER_METHODS and self.known(path) is False:
            # Only services have this path, so it is theirs to say which methods it takes; but a route that
            # lists its methods never hands on another one.
            claims = [claim for claim in self.table.claims(path).values() if claim.route not in self.limited]
            return min(claims, key=lambda claim: (claim.rank, claim.order), default=match)
        return match

    def _refuse_ambiguous(self, facts: Facts, raw_path: bytes, match: Match | None) -> None:
        owner = match.route if match else None
        for path in facts.readings(raw_path):
            other = self._owner(path, facts.wanted)
            if (other.route if other else None) != owner:
                raise BadRequest("the path can be read in more than one way")

    def served(self, path: str) -> set[str]:
        """The methods that services serve on `path` now."""
        claims = self.table.claims(path)
        return {
            method
            for method, match in claims.items()
            if method not in (ANY, "WEBSOCKET") and match.route and self.choices[match.route].plan.serves
        }


class Declared:
    """What one service declares, indexed: with thousands of routes, each is asked about every one of them."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._sorted = sorted(endpoints, key=lambda endpoint: endpoint.path)
        self._paths = [endpoint.path for endpoint in self._sorted]
        self._shapes: dict[str, list[Endpoint]] = {}
        for endpoint in endpoints:
            if not endpoint.tree:
                self._shapes.setdefault(_shape(endpoint.path), []).append(endpoint)

    def below(self, prefix: str) -> list[Endpoint]:
        """The endpoints at `prefix` and, by whole segments, below it: /djangofoo is not below /django."""
        if prefix == "/":
            return self._sorted
        at = slice(bisect_left(self._paths, prefix), bisect_right(self._paths, prefix))
        after_slash = chr(ord("/") + 1)
        under = slice(bisect_left(self._paths, prefix + "/"), bisect_left(self._paths, prefix + after_slash))
        return self._sorted[at] + self._sorted[under]

    def shaped(self, template: str) -> list[Endpoint]:
        """The endpoints with this template, whatever their parameters are called and converted to."""
        parse_template(template)  # raises TemplateError
        return self._shapes.get(_shape(template), [])

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._sorted)


def _shape(template: str) -> str:
    # {rest:path} takes in whole subtrees, so a route has to say that it means them.
    return re.sub(r"{[^}:]*(:path)?[^}]*}", r"{\1}", template)


def compile_snapshot(
    config: Config,
    endpoints: Mapping[str, Sequence[Endpoint] | None],
    *,
    known: Callable[[str], bool | None] = lambda _: None,
    site: Site | None = None,
) -> tuple[Snapshot, list[Problem]]:
    """The snapshot of `config`, and what is wrong with its routes.

    `endpoints` has, by service, what it declares, or None when it can't be asked; routes to services
    that are missing there are left out, since their service's problem is already known.
    """
    problems: list[Problem] = []
    claims: list[Claim] = []
    declared = {name: None if found is None else Declared(found) for name, found in endpoints.items()}
    routes = [route for route in config.routes if route.service in endpoints]
    for order, route in enumerate(routes):
        try:
            claims += _claims(route, declared[route.service], order, problems)
        except TemplateError as exc:
            problems.append(Problem(f"routes[{route.name}].path", route.path, f"a path template: {exc}"))
    table = Table(claims)
    problems += _collisions(table)
    site = site or Site()
    by_name = {route.name: route for route in routes}
    choices = _choices(by_name, {}, site)
    limited = frozenset(route.name for route in routes if route.methods)
    return Snapshot(0, table, choices, known, by_name, site, _asking(choices), limited), problems


def _choices(routes: Mapping[str, RouteConfig], states: Mapping[str, State], site: Site) -> dict[str, Choice]:
    return {
        name: at_stage(planned(route, states.get(name) or declared_state(route), site))
        for name, route in routes.items()
    }


def _asking(choices: Mapping[str, Choice]) -> frozenset[str]:
    return frozenset(name for name, choice in choices.items() if choice.plan.asks)


def _claims(route: RouteConfig, declared: Declared | None, order: int, problems: list[Problem]) -> list[Claim]:
    key = f"routes[{route.name}]"
    rank = _rank(route)
    wanted = frozenset(route.methods) if route.methods else None
    if declared is None and route.claim == "implemented":
        expected = (
            'claim = "all" (this service is neither FastAPI nor Starlette and can\'t be asked what it implements)'
        )
        problems.append(Problem(f"{key}.claim", route.claim, expected))
        return []
    covered: list[Endpoint] = []
    if declared is not None:
        covered = declared.shaped(route.path) if route.path is not None else declared.below(route.prefix or "/")
    found = [
        Claim(route.name, replace(endpoint, methods=methods), rank, order)
        for endpoint in covered
        if (methods := _common(endpoint.methods, wanted))
    ]
    if route.claim == "all":
        path = route.path or route.prefix or "/"
        parse_template(path)
        whole = Endpoint(path, wanted or frozenset({ANY}), tree=route.prefix is not None)
        found.append(Claim(route.name, whole, rank, order))
    elif not found:
        problems.append(_nothing_implemented(route, declared or ()))
    return found


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


def _nothing_implemented(route: RouteConfig, endpoints: Iterable[Endpoint]) -> Problem:
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
    for claim, earlier, method in table.conflicts:
        what = "every method" if method == ANY else method
        problems[claim.route] = Problem(
            f"routes[{claim.route}]",
            None,
            f"ambiguous: route {earlier.route!r} claims {what} on {claim.endpoint.path} with the same precedence",
        )
    for route in sorted(table.unreachable - problems.keys()):
        problems[route] = Problem(f"routes[{route}]", None, "unreachable: more specific routes claim all it could")
    return list(problems.values())
