"""Overrides the stage of a route in a test."""

from __future__ import annotations

from contextlib import ContextDecorator
from dataclasses import replace
from typing import Self

from gateway.app import Gateway
from gateway.rollout.decision import CompiledRoute, compile_route
from gateway.rollout.policy import compile_policy
from gateway.rollout.stage import State

__all__ = ["RouteOverride", "override_route"]


def override_route(name: str, stage: str, weight: float = 0.0, *, gateway: Gateway | None = None) -> RouteOverride:
    """Set route `name` of `gateway` (default: the one that tests use) to `stage`: a context manager and decorator.

    `weight` is the percentage of callers at stage canary. Raises ValueError for an unknown stage; LookupError, which
    names the routes, if there is none of that name.
    """
    return RouteOverride(name, State(stage, weight), gateway)


class RouteOverride(ContextDecorator):
    """The result of `override_route`."""

    def __init__(self, name: str, state: State, gateway: Gateway | None) -> None:
        self._name = name
        self._state = state
        self._gateway = gateway
        self._changed: list[tuple[Gateway, CompiledRoute]] = []

    def __repr__(self) -> str:
        return f"override_route({self._name!r}, {self._state})"

    def __enter__(self) -> Self:
        if self._gateway is None:
            from gateway.testing.live import running

            gateway = running().gateway
        else:
            gateway = self._gateway
        snapshot = gateway.snapshot
        if self._name not in snapshot.routes:
            raise LookupError(f"there is no route {self._name!r}; there are: {', '.join(snapshot.routes) or 'none'}")
        self._changed.append((gateway, snapshot.compiled[self._name]))
        _publish(gateway, compile_route(compile_policy(snapshot.routes[self._name], self._state, snapshot.site)))
        return self

    def __exit__(self, *_: object) -> None:
        gateway, before = self._changed.pop()
        _publish(gateway, before)


def _publish(gateway: Gateway, route: CompiledRoute) -> None:
    snapshot = gateway.snapshot
    compiled = {**snapshot.compiled, route.policy.route: route}
    asking = frozenset(name for name, route in compiled.items() if route.policy.asks)
    gateway.publish(replace(snapshot, compiled=compiled, asking=asking))
