"""A route at another stage, for the time of a test."""

from __future__ import annotations

from contextlib import ContextDecorator
from dataclasses import replace
from typing import Literal, Self

from gateway.app import Gateway
from gateway.rollout.decision import Decision, at_stage

__all__ = ["RouteOverride", "override_route"]


def override_route(name: str, stage: Literal["legacy", "live"], *, gateway: Gateway | None = None) -> RouteOverride:
    """Route `name` of `gateway` (default: the one that tests go through) at `stage`: `with` this, or as a decorator.

    Raises LookupError, which names the routes there are, when there is none of that name.
    """
    return RouteOverride(name, stage, gateway)


class RouteOverride(ContextDecorator):
    """What `override_route` returns."""

    def __init__(self, name: str, stage: str, gateway: Gateway | None) -> None:
        self._name = name
        self._stage = stage
        self._gateway = gateway
        self._changed: list[tuple[Gateway, Decision]] = []

    def __repr__(self) -> str:
        return f"override_route({self._name!r}, {self._stage!r})"

    def __enter__(self) -> Self:
        if self._gateway is None:
            from gateway.testing.loop import running

            gateway = running().gateway
        else:
            gateway = self._gateway
        self._changed.append((gateway, gateway.snapshot.decisions[self._found(gateway)]))
        _publish(gateway, at_stage(self._name, self._stage, self._found(gateway, service=True)))
        return self

    def __exit__(self, *_: object) -> None:
        gateway, before = self._changed.pop()
        _publish(gateway, before)

    def _found(self, gateway: Gateway, *, service: bool = False) -> str:
        for route in gateway.config.routes:
            if route.name == self._name:
                return route.service if service else route.name
        names = ", ".join(route.name for route in gateway.config.routes) or "none"
        raise LookupError(f"there is no route {self._name!r}; there are: {names}")


def _publish(gateway: Gateway, decision: Decision) -> None:
    snapshot = gateway.snapshot
    decisions = {**snapshot.decisions, str(decision.route): decision}
    gateway.publish(replace(snapshot, revision=snapshot.revision + 1, decisions=decisions))
