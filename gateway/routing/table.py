"""Which route claims a request: a lookup, not a scan.

Rules are compiled into a tree of path segments; paths without parameters are resolved when the table is
built and kept in a dictionary. So matching costs the same with ten routes and with ten thousand.

Precedence is that of the Kubernetes Gateway API, with templates added: exact path, then template, then
longest prefix; among equals a rule that names the method wins.
https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

__all__ = ["ANY", "MOST_DIGITS", "Claim", "Endpoint", "Match", "Parameter", "Table", "TemplateError", "parse_template"]

ANY = "*"  # every method
EXACT, TEMPLATE, PREFIX = 0, 1, 2  # ranks; a prefix of n segments has PREFIX + DEEPEST - n
DEEPEST = 1000
# Python converts no longer number (CVE-2020-10735), so for Starlette's `int` it would be an error, not a miss.
MOST_DIGITS = sys.int_info.default_max_str_digits

# Starlette's convertors: https://www.starlette.io/routing/#path-parameters. `path` is handled apart.
_CONVERTORS = {
    "int": rf"[0-9]{{1,{MOST_DIGITS}}}",
    "float": r"[0-9]+(?:\.[0-9]+)?",
    "uuid": r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}",
    "str": (ANY_SEGMENT := r"[^/]+"),
}
_PARAMETER = re.compile(r"{([a-zA-Z_]\w*)(?::([a-zA-Z_]\w*))?}")


class TemplateError(ValueError):
    """A path template that can't be read."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path template of a service, with its methods (`ANY` for all). `tree`: everything below it too.

    `function` is what the service runs there, where it says so, and `dependencies` what it runs before.
    """

    path: str
    methods: frozenset[str]
    tree: bool = False
    convertors: tuple[tuple[str, str], ...] = ()  # name → regex, of convertors Starlette doesn't bring
    function: Callable[..., object] | None = field(default=None, compare=False)
    dependencies: tuple[Callable[..., object], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """A rule as the table takes it: `route` claims `endpoint` with `rank`; `order` is its place in the file."""

    route: str
    endpoint: Endpoint
    rank: int
    order: int


@dataclass(frozen=True, slots=True)
class Match:
    """What the table says of a path and a method.

    `route` is None when the path is claimed for other methods only. `template` labels the endpoint.
    `head_as_get`: the service answers GET here but not HEAD.
    """

    route: str | None
    template: str = ""
    rank: int = 0
    order: int = 0
    head_as_get: bool = False


OTHER_METHODS = Match(None)


@dataclass(slots=True)
class Leaf:
    """The claims on one template, by method."""

    claims: dict[str, Match] = field(default_factory=dict)

    def get(self, method: str) -> Match | None:
        return self.claims.get(method) or self.claims.get(ANY)


class Node:
    """A point in the tree: what may follow the segments that led here."""

    __slots__ = ("leaf", "parameters", "prefix", "static", "tails")

    def __init__(self) -> None:
        self.static: dict[str, Node] = {}
        self.parameters: dict[str, tuple[Callable[[str], object], Node]] = {}
        self.tails: dict[str, tuple[Callable[[str], object], Leaf]] = {}  # templates with a {x:path} from here on
        self.leaf: Leaf | None = None
        self.prefix: Leaf | None = None


class Table:
    """All claims, compiled. Immutable once built.

    `rules` has the claims in order of precedence. Raises nothing: claims that collide are in `conflicts`
    as (later, earlier) pairs, and the earlier one keeps its place; routes all of whose claims are
    overruled are in `unreachable`.
    """

    def __init__(self, claims: Iterable[Claim] = ()) -> None:
        self._root = Node()
        self._static: dict[str, Leaf] = {}
        self.conflicts: list[tuple[Claim, Match, str]] = []
        self.rules = tuple(sorted(claims, key=lambda claim: (claim.rank, claim.order)))
        for claim in self.rules:
            self._add(claim)
        self.unreachable = self._resolve_static()

    def __repr__(self) -> str:
        return f"Table({len(self.rules)} claims)"

    # -- matching -------------------------------------------------------------------------------

    def match(self, path: str, method: str) -> Match | None:
        """The claim on `path` (decoded, relative to the site's root) for `method`; None when no route
        concerns this path, a Match without route when one does, but not for this method."""
        leaf = self._static.get(path)
        if leaf is not None:
            return leaf.claims.get(method) or leaf.claims.get(ANY) or OTHER_METHODS
        return self._walk(path, method)

    def _walk(self, path: str, method: str) -> Match | None:
        best: Match | None = None
        touched = False
        for leaf in self._leaves(path):
            touched = True
            claim = leaf.get(method)
            if claim is not None and (best is None or claim.rank < best.rank):
                best = claim
        return best or (OTHER_METHODS if touched else None)

    def first(self, path: str, method: str) -> Match | None:
        """The claim on `path` for `method` that comes first in the file, whatever its rank: as Starlette routes.

        Where there is none, the first on `path` for other methods.
        """
        leaves = [*self._leaves(path)]
        found = [claim for leaf in leaves for key in (method, ANY) if (claim := leaf.claims.get(key)) is not None]
        found = found or [claim for leaf in leaves for claim in leaf.claims.values()]
        return min(found, key=lambda claim: claim.order, default=None)

    def claims(self, path: str) -> dict[str, Match]:
        """Every method claimed on `path`, with the claim that wins it."""
        methods = {method for leaf in self._leaves(path) for method in leaf.claims}
        found = {method: self._walk(path, method) for method in methods}
        return {method: match for method, match in found.items() if match is not None}

    def _leaves(self, path: str) -> Iterator[Leaf]:
        """Everything that claims `path`, more specific segments first."""
        segments = path.split("/")
        last = len(segments)
        pending = [(self._root, 1)]
        prefixes: list[tuple[int, Leaf]] = []
        while pending:
            node, index = pending.pop()
            if node.prefix is not None:
                prefixes.append((index, node.prefix))
            if index == last:
                if node.leaf is not None:
                    yield node.leaf
                continue
            segment = segments[index]
            if node.tails:
                rest = "/".join(segments[index:])
                yield from [leaf for matches, leaf in node.tails.values() if matches(rest)]
            if node.parameters:
                found = [child for matches, child in node.parameters.values() if matches(segment)]
                pending += [(child, index + 1) for child in reversed(found)]
            child = node.static.get(segment)
            if child is not None:
                pending.append((child, index + 1))
        if len(prefixes) > 1:
            prefixes.sort(key=lambda item: item[0], reverse=True)
        for _, leaf in prefixes:
            yield leaf

    # -- building -------------------------------------------------------------------------------

    def _add(self, claim: Claim) -> None:
        endpoint = claim.endpoint
        leaf = self._leaf(endpoint)
        methods = dict.fromkeys(endpoint.methods, False)
        if "GET" in methods and "HEAD" not in methods and ANY not in methods:
            methods["HEAD"] = True
        for method, head_as_get in methods.items():
            match = Match(claim.route, endpoint.path, claim.rank, claim.order, head_as_get)
            earlier = leaf.claims.setdefault(method, match)
            if earlier is match:
                continue
            if earlier.route == claim.route:
                if earlier.head_as_get and not head_as_get:
                    leaf.claims[method] = match  # HEAD is declared, by itself, further on
            elif earlier.rank == claim.rank:
                self.conflicts.append((claim, earlier, method))

    def _leaf(self, endpoint: Endpoint) -> Leaf:
        node = self._root
        parts = parse_template(endpoint.path, dict(endpoint.convertors))
        if endpoint.tree and parts == [""]:
            parts = []  # the whole site hangs from the root itself
        for index, part in enumerate(parts):
            if isinstance(part, str):
                node = node.static.setdefault(part, Node())
            elif part.whole_tail:
                rest = "/".join(re.escape(p) if isinstance(p, str) else p.regex for p in parts[index:])
                return node.tails.setdefault(rest, (re.compile(rest, re.DOTALL).fullmatch, Leaf()))[1]
            else:
                child = node.parameters.setdefault(part.regex, (part.matcher(), Node()))[1]
                # The narrower convertor is asked first: `int` before `str`.
                node.parameters = dict(sorted(node.parameters.items(), key=lambda item: item[0] == ANY_SEGMENT))
                node = child
        if endpoint.tree:
            node.prefix = node.prefix or Leaf()
            return node.prefix
        node.leaf = node.leaf or Leaf()
        return node.leaf

    def _resolve_static(self) -> set[str]:
        """Decide paths without parameters now; return the routes that never get a request."""
        reachable: set[str | None] = set()
        for claim in self.rules:
            path, leaf = claim.endpoint.path, self._leaf(claim.endpoint)
            if "{" not in path:
                if path not in self._static:
                    self._static[path] = Leaf(self.claims(path))
                if not claim.endpoint.tree:
                    leaf = self._static[path]
            reachable |= {match.route for match in leaf.claims.values()}
        return {claim.route for claim in self.rules} - reachable


@dataclass(frozen=True, slots=True)
class Parameter:
    """A segment that isn't plain text, as a regular expression."""

    regex: str
    whole_tail: bool

    def matcher(self) -> Callable[[str], object]:
        if self.regex == ANY_SEGMENT:
            return bool
        return re.compile(self.regex, re.DOTALL).fullmatch


def parse_template(path: str, convertors: dict[str, str] | None = None) -> list[str | Parameter]:
    """The segments of a template such as `/items/{id:int}/`, in Starlette's syntax.

    `convertors` are regular expressions of further convertors by name. Raises TemplateError.
    """
    if not path.startswith("/"):
        raise TemplateError(f"{path!r} does not start with /")
    known = _CONVERTORS | (convertors or {})
    parts: list[str | Parameter] = []
    for segment in path[1:].split("/"):
        parameters = list(_PARAMETER.finditer(segment))
        if "{" in _PARAMETER.sub("", segment) or "}" in _PARAMETER.sub("", segment):
            raise TemplateError(f"{path!r} has a brace that is not part of a {{name}} or {{name:convertor}}")
        if not parameters:
            parts.append(segment)
            continue
        regex, end, tail = "", 0, False
        for parameter in parameters:
            kind = parameter[2] or "str"
            if kind != "path" and kind not in known:
                raise TemplateError(
                    f"{path!r} has an unknown convertor {kind!r}; known are {', '.join(known)} and path"
                )
            convertor = ".*" if kind == "path" else known[kind]
            tail = tail or kind == "path" or (kind in (convertors or {}) and kind not in _CONVERTORS)
            regex += re.escape(segment[end : parameter.start()]) + convertor
            end = parameter.end()
        parts.append(Parameter(regex + re.escape(segment[end:]), tail))
    return parts
