"""Which upstream serves each endpoint of the project: Django, or the service of a route."""

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
    """A route's claim on an endpoint: the `methods`, and the service's own `template`."""

    route: str
    service: str
    methods: tuple[str, ...]
    template: str
    state: State


@dataclass(frozen=True, slots=True)
class Serving:
    """The upstream of an endpoint. `hidden_by` is an earlier pattern that matches all of its paths, so that it is never
    reached. `known`: a path of it is known, so that this could be determined."""

    claims: tuple[Claimed, ...] = ()
    hidden_by: str | None = None
    known: bool = True

    @property
    def claimed(self) -> Claimed | None:
        """The route that claims it, or the first of several."""
        return self.claims[0] if self.claims else None


@dataclass(frozen=True, slots=True)
class _Reach:
    """The known paths that lead to an endpoint; or the pattern that hides it."""

    own: tuple[str, ...]
    hidden_by: str | None


def serving(endpoints: Iterable[Endpoint], snapshot: Snapshot) -> dict[Endpoint, Serving]:
    """The upstream of each of `endpoints`, at the stages in `snapshot`. Django must be set up."""
    patterns = patterns_of(settings.ROOT_URLCONF)
    reached: dict[tuple[int, str], _Reach] = {}  # shared by the endpoints of a pattern
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
