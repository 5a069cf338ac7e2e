"""Who serves the project's endpoints: Django, or a service that a route gives them to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings

from gateway.legacy.patterns import Patterns, patterns_of
from gateway.routing.table import ANY, Match
from gateway.workbench.inventory.endpoint import Endpoint
from gateway.workbench.inventory.samples import samples

if TYPE_CHECKING:
    from gateway.rollout.stage import State
    from gateway.snapshot import Snapshot

__all__ = ["Claimed", "Serving", "serving"]


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a route has of an endpoint: the `methods` that it claims, and the `template` the service calls it by."""

    route: str
    service: str
    methods: tuple[str, ...]
    template: str
    state: State


@dataclass(frozen=True, slots=True)
class Serving:
    """Who serves an endpoint. `hidden_by` is the pattern before it that takes all of its paths, so that nobody reaches
    it. `known`: a path of it is known, so that this can be told."""

    claims: tuple[Claimed, ...] = ()
    hidden_by: str | None = None
    known: bool = True

    @property
    def claimed(self) -> Claimed | None:
        """The route that claims it, or the first of several."""
        return self.claims[0] if self.claims else None


@dataclass(frozen=True, slots=True)
class _Reach:
    """The paths that lead to an endpoint, of those that are known; or what is in its way."""

    own: tuple[str, ...]
    hidden_by: str | None


def serving(endpoints: Iterable[Endpoint], snapshot: Snapshot) -> dict[Endpoint, Serving]:
    """Who serves each of `endpoints`, at the stages of `snapshot`. Django has to be set up."""
    patterns = patterns_of(settings.ROOT_URLCONF)
    reached: dict[tuple[int, str], _Reach] = {}  # a pattern has an endpoint for each method
    found = {}
    for endpoint in endpoints:
        key = id(endpoint.items[-1]), endpoint.template
        if key not in reached:
            reached[key] = _reach(endpoint, patterns)
        found[endpoint] = _serving(endpoint, snapshot, reached[key])
    return found


def _reach(endpoint: Endpoint, patterns: Patterns) -> _Reach:
    owners = {path: owner for path in samples(endpoint) if (owner := patterns.owner(path)) is not None}
    own = tuple(path for path, owner in owners.items() if owner[-1] is endpoint.items[-1])
    hidden_by = next(("".join(str(item.pattern) for item in owner) for owner in owners.values()), None)
    return _Reach(own, None if own else hidden_by)


def _serving(endpoint: Endpoint, snapshot: Snapshot, reach: _Reach) -> Serving:
    if not reach.own:
        return Serving(hidden_by=reach.hidden_by, known=reach.hidden_by is not None)
    claims = {claim.route: claim for path in reach.own for claim in _claims(endpoint, snapshot, path)}
    return Serving(tuple(claims.values()))


def _claims(endpoint: Endpoint, snapshot: Snapshot, path: str) -> tuple[Claimed, ...]:
    matches = snapshot.table.claims(path)
    methods = [endpoint.method] if endpoint.method != ANY else [*matches]
    found: dict[str, list[tuple[str, Match]]] = {}
    for method in methods:
        match = matches.get(method) or matches.get(ANY)
        if match is not None and match.route is not None and method not in ("HEAD", "WEBSOCKET"):
            found.setdefault(match.route, []).append((method, match))
    return tuple(_claimed(snapshot, route, dict(of_route)) for route, of_route in found.items())


def _claimed(snapshot: Snapshot, route: str, matches: Mapping[str, Match]) -> Claimed:
    policy = snapshot.compiled[route].policy
    template = next(iter(matches.values())).template
    return Claimed(route, policy.service, tuple(sorted(matches)), template, policy.state)
