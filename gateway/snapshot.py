"""The configuration, compiled for the request path. Immutable; a new one replaces it by one assignment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from starlette.types import Scope

from gateway.config.routes import RouteConfig
from gateway.rollout.decision import CompiledRoute, compile_route
from gateway.rollout.policy import AffinitySettings, compile_policy, declared_state
from gateway.rollout.stage import State
from gateway.routing.request import BadRequest, RequestInfo
from gateway.routing.table import ANY, PARTIAL, Match, Table

__all__ = ["Publisher", "Snapshot", "asking_routes", "compile_routes"]


class Publisher(Protocol):
    """Holds the snapshot that is in force."""

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot in force."""

    def publish(self, snapshot: Snapshot) -> None:
        """Use `snapshot` from the next request on."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is needed to decide requests. Each request reads it once, so it may be replaced at any time.

    `compiled` has the compiled policy of each route, `asking` the routes whose decision depends on the caller. `known`
    says whether legacy has a path in its URLconf (None: unknown). `revision` is the number of the runtime changes in
    force, 0 when there are none.
    """

    revision: int
    table: Table
    compiled: Mapping[str, CompiledRoute]
    known: Callable[[str], bool | None]
    routes: Mapping[str, RouteConfig]
    site: AffinitySettings
    asking: frozenset[str] = frozenset()
    limited: frozenset[str] = frozenset()  # routes with `methods` in the file

    def at(self, states: Mapping[str, State], revision: int) -> Snapshot:
        """This snapshot with routes at these states; all others are as in the file. Unknown names are ignored."""
        compiled = compile_routes(self.routes, states, self.site)
        return replace(self, revision=revision, compiled=compiled, asking=asking_routes(compiled))

    def of(self, site: AffinitySettings) -> Snapshot:
        """This snapshot, stages unchanged, with other secrets or cookies for affinity."""
        states = {name: route.policy.state for name, route in self.compiled.items()}
        return replace(self, site=site).at(states, self.revision)

    def match(self, info: RequestInfo, scope: Scope) -> Match | None:
        """The match of this request. Raises BadRequest when an alternative reading of its path has another owner."""
        match = self.table.match(info.path, info.routing_method)
        if match is PARTIAL:
            match = self.owner(info.path, info.routing_method)
        if info.ambiguous:
            self._refuse_ambiguous(info, scope.get("raw_path") or b"", match)
        return match

    def owner(self, path: str, method: str) -> Match | None:
        """The match of a path, read in one way only."""
        match = self.table.match(path, method)
        if match is PARTIAL and self.known(path) is False:
            # Only services have this path, so the service answers 405 itself; but a route that lists its methods
            # never passes on another one.
            claims = [claim for claim in self.table.claims(path).values() if claim.route not in self.limited]
            best = min(claims, key=lambda claim: (claim.rank, claim.order), default=None)
            return match if best is None else replace(best, head_as_get=False, undeclared=True)
        return match

    def _refuse_ambiguous(self, info: RequestInfo, raw_path: bytes, match: Match | None) -> None:
        owner = match.route if match else None
        for path in info.alternative_paths(raw_path):
            other = self.owner(path, info.routing_method)
            if (other.route if other else None) != owner:
                raise BadRequest("the path can be read in more than one way")

    def served(self, path: str) -> set[str]:
        """The methods that services currently serve on `path`."""
        claims = self.table.claims(path)
        whole = claims.get(ANY)
        return {
            method
            for method, match in claims.items()
            if method != "WEBSOCKET" and match is not whole and match.route and self.compiled[match.route].policy.serves
        }


def compile_routes(
    routes: Mapping[str, RouteConfig], states: Mapping[str, State], site: AffinitySettings
) -> dict[str, CompiledRoute]:
    """Compile each route at its current state."""
    return {
        name: compile_route(compile_policy(route, states.get(name) or declared_state(route), site))
        for name, route in routes.items()
    }


def asking_routes(compiled: Mapping[str, CompiledRoute]) -> frozenset[str]:
    """The routes whose decision depends on who the caller is."""
    return frozenset(name for name, route in compiled.items() if route.policy.asks)
