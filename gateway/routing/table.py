"""Which route claims a request: a lookup, not a scan.

Rules are compiled into a tree of path segments; paths without parameters are resolved when the table is
built and kept in a dictionary. So matching costs the same with ten routes and with ten thousand.

Precedence is that of the Kubernetes Gateway API, with templates added: exact path, then template, then
longest prefix; among equals a rule that names the method wins.
https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.routing.template import parse_template
from gateway.routing.tree import Tree

__all__ = ["ANY", "PARTIAL", "SOCKET", "Contest", "EndpointPattern", "Leaf", "Match", "Rule", "Table"]

ANY = "*"  # every method
SOCKET = "WEBSOCKET"  # stands for the method of a WebSocket's handshake
EXACT, TEMPLATE, PREFIX = 0, 1, 2  # ranks; a prefix of n segments has PREFIX + DEEPEST - n
DEEPEST = 1000
LONGEST_KEPT, MOST_KEPT = 200, 4096  # characters, paths


@dataclass(frozen=True, slots=True)
class EndpointPattern:
    """What a service declares, or a route claims: one path template, with its methods (`ANY` for all). `is_subtree`:
    everything below it too.

    `function` is the endpoint's function, where known; `dependencies` are the functions that run before it; `lingers`:
    it may run code after its response, too.
    """

    path: str
    methods: frozenset[str]
    is_subtree: bool = False
    convertors: tuple[tuple[str, str], ...] = ()  # name → regex, of convertors Starlette doesn't bring
    function: Callable[..., object] | None = field(default=None, compare=False)
    dependencies: tuple[Callable[..., object], ...] = field(default=(), compare=False)
    lingers: bool = field(default=False, compare=False)


class Contest(NamedTuple):
    """Which of the paths that a template matches have another owner.

    `paths` are those that are known in full. `holds(path)` says whether the template owns a path. `always`: `holds`
    must be called for each request; otherwise it is enough to call it for `paths` when the table is built. `head`: the
    owner of GET is the owner of HEAD too.
    """

    paths: frozenset[str]
    holds: Callable[[str], bool]
    always: bool
    head: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the table: `route` claims what matches `endpoint`, with `rank`; `order` is its position in the file.

    `contest` is set where some paths of the endpoint's template have another owner. `undeclared`: the rule claims what
    the service doesn't declare.
    """

    route: str
    endpoint: EndpointPattern
    rank: int
    order: int
    contest: Contest | None = field(default=None, compare=False)
    undeclared: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """The result of a lookup by path and method.

    `route` is None when the path is claimed for other methods only. `template` labels the endpoint. `head_as_get`: the
    service declares GET here but not HEAD. `opaque`: the service can't be introspected. `undeclared`: the path or
    method is claimed although the service doesn't declare it. `holds` is that of the rule's contest, where it must be
    called for each request. `audience` is set on a page of the gateway's own: who may see it, "public" or
    "staff", or for "probe" everybody, also by a Host that isn't allowed.
    """

    route: str | None
    template: str = ""
    rank: int = 0
    order: int = 0
    head_as_get: bool = False
    opaque: bool = False
    undeclared: bool = False
    holds: Callable[[str], bool] | None = field(default=None, compare=False)
    audience: str | None = None


PARTIAL = Match(None)  # the path is claimed, but not for this method


@dataclass(slots=True)
class Leaf:
    """The claims on one template, by method. `order` is the position of the first rule that isn't for WebSockets
    only."""

    claims: dict[str, Match] = field(default_factory=dict)
    order: int | None = None

    def get(self, method: str) -> Match | None:
        """The claim on this method."""
        return self.claims.get(method) or self.claims.get(ANY)


class Table:
    """All rules, compiled. Immutable once built, but for what it keeps of lookups.

    `rules` has them in order of precedence. Raises nothing: rules that collide are in `conflicts`
    as (later, earlier) pairs, and the earlier one keeps its place; routes all of whose rules are
    overruled are in `unreachable`. `tree` has the claims of each template. `pages` are paths of the gateway's own
    pages, for GET and HEAD, with their audience; those that a rule concerns are left to it.
    """

    def __init__(self, rules: Iterable[Rule] = (), pages: Mapping[str, str] | None = None) -> None:
        self.tree = Tree(Leaf)
        self._static: dict[str, Leaf] = {}
        self._unclaimed: set[str] = set()  # some paths that no rule concerns, so that they are looked up once
        self._contests: dict[Match, Contest] = {}
        self.conflicts: list[tuple[Rule, Match, str]] = []
        self.rules = tuple(sorted(rules, key=lambda rule: (rule.rank, rule.order)))
        for rule in self.rules:
            self._add(rule)
        self.unreachable = self._resolve_static()
        self.pages = frozenset(path for path in pages or () if self.match(path, "GET") is None)
        for path in self.pages:
            page = Match(None, path, audience=(pages or {})[path])
            self._static[path] = Leaf({"GET": page, "HEAD": page})

    def __repr__(self) -> str:
        return f"Table({len(self.rules)} rules)"

    # -- matching -------------------------------------------------------------------------------

    def match(self, path: str, method: str) -> Match | None:
        """The claim on `path` (decoded, relative to the site's root) for `method`; None when no route
        concerns this path, a Match without route when one does, but not for this method."""
        leaf = self._static.get(path)
        if leaf is not None:
            return leaf.claims.get(method) or leaf.claims.get(ANY) or PARTIAL
        return None if path in self._unclaimed else self._walk(path, method)

    def _walk(self, path: str, method: str) -> Match | None:
        best: Match | None = None
        touched = False
        for leaf in self.tree.leaves(path):
            touched = True
            claim = leaf.get(method)
            if claim is None or (best is not None and claim.rank >= best.rank):
                continue
            if claim.holds is None or claim.holds(path):
                best = claim
        if not touched and len(path) <= LONGEST_KEPT:
            if len(self._unclaimed) >= MOST_KEPT:
                self._unclaimed.clear()
            self._unclaimed.add(path)
        return best or (PARTIAL if touched else None)

    def owner(self, path: str) -> Leaf | None:
        """The template that matches `path` and comes first in the file, whatever its methods: Django routes so.
        Templates for WebSockets only don't count."""
        leaves = [leaf for leaf in self.tree.leaves(path) if leaf.order is not None]
        return min(leaves, key=lambda leaf: leaf.order or 0, default=None)

    def first(self, path: str, method: str) -> Match | None:
        """The claim on `path` for `method` that comes first in the file, whatever its rank: Starlette routes so.

        If there is none, the first on `path` for other methods.
        """
        leaves = [*self.tree.leaves(path)]
        found = [claim for leaf in leaves for key in (method, ANY) if (claim := leaf.claims.get(key)) is not None]
        found = found or [claim for leaf in leaves for claim in leaf.claims.values()]
        return min(found, key=lambda claim: claim.order, default=None)

    def claims(self, path: str) -> dict[str, Match]:
        """Every method claimed on `path`, with the claim that wins it."""
        methods = {method for leaf in self.tree.leaves(path) for method in leaf.claims}
        found = {method: self._winner(path, method) for method in methods}
        return {method: match for method, match in found.items() if match is not None}

    def _winner(self, path: str, method: str) -> Match | None:
        """As `_walk`, but `Contest.holds` is always called, also for paths that were decided when the table
        was built."""
        claims = [claim for leaf in self.tree.leaves(path) if (claim := leaf.get(method)) is not None]
        if method == SOCKET:
            return min(claims, key=lambda claim: claim.rank, default=None)
        held = [claim for claim in claims if (contest := self._contests.get(claim)) is None or contest.holds(path)]
        return min(held, key=lambda claim: claim.rank, default=None)

    # -- building -------------------------------------------------------------------------------

    def _add(self, rule: Rule) -> None:
        endpoint = rule.endpoint
        leaf = self.leaf(endpoint)
        if endpoint.methods != {SOCKET} and (leaf.order is None or rule.order < leaf.order):
            leaf.order = rule.order
        methods = dict.fromkeys(endpoint.methods, False)
        head = rule.contest is None or rule.contest.head
        if "GET" in methods and "HEAD" not in methods and ANY not in methods and head:
            methods["HEAD"] = True
        opaque = rule.undeclared and endpoint.function is None
        holds = rule.contest.holds if rule.contest is not None and rule.contest.always else None
        for method, head_as_get in methods.items():
            match = Match(rule.route, endpoint.path, rule.rank, rule.order, head_as_get, opaque, rule.undeclared, holds)
            if rule.contest is not None:
                self._contests[match] = rule.contest
            earlier = leaf.claims.setdefault(method, match)
            if earlier is match:
                continue
            if earlier.route == rule.route:
                if earlier.head_as_get and not head_as_get:
                    leaf.claims[method] = match  # HEAD is declared separately, further on
            elif earlier.rank == rule.rank:
                self.conflicts.append((rule, earlier, method))

    def leaf(self, endpoint: EndpointPattern) -> Leaf:
        """The claims on the template of `endpoint`. Raises TemplateError."""
        parts = parse_template(endpoint.path, dict(endpoint.convertors))
        if endpoint.is_subtree and parts == [""]:
            parts = []  # the whole site is below the root
        return self.tree.leaf_at(parts, is_subtree=endpoint.is_subtree)

    def _resolve_contested(self) -> None:
        for rule in self.rules:
            for path in rule.contest.paths if rule.contest is not None else ():
                if path not in self._static:
                    self._static[path] = Leaf(self.claims(path))

    def _resolve_static(self) -> set[str]:
        """Decide paths without parameters now; return the routes that never get a request."""
        reachable: set[str | None] = set()
        self._resolve_contested()
        for rule in self.rules:
            path, leaf = rule.endpoint.path, self.leaf(rule.endpoint)
            if "{" not in path:
                if path not in self._static:
                    self._static[path] = Leaf(self.claims(path))
                if not rule.endpoint.is_subtree:
                    leaf = self._static[path]
            reachable |= {match.route for match in leaf.claims.values()}
        return {rule.route for rule in self.rules} - reachable
