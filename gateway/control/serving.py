"""The gateway that serves in this process, for pages that Django makes in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from gateway.snapshot import Publisher

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.config import Config
    from gateway.mirroring.difference_log import DifferenceLog
    from gateway.mirroring.mirroring import Mirroring
    from gateway.observability.health import Readiness
    from gateway.randomness import Randomness
    from gateway.recording.recordings import Recordings
    from gateway.rollout.breaker import CircuitBreaker
    from gateway.stats.counters import Counters
    from gateway.upstreams.base import Service

__all__ = ["Served", "begin_serving", "end_serving", "serving", "serving_by"]


class Served(Publisher, Protocol):
    """The gateway as this app sees it: its counts and findings are stored, and route states are published to it."""

    config: Config
    clock: Clock
    randomness: Randomness
    counters: Counters
    recordings: Recordings
    mirroring: Mirroring
    readiness: Readiness
    services: Mapping[str, Service]

    @property
    def difference_log(self) -> DifferenceLog:
        """The differences that comparisons of mirrors have found."""

    @property
    def breakers(self) -> Mapping[str, CircuitBreaker]:
        """The circuit breaker of each service."""


_serving: list[Served] = []  # more than one only in tests


def begin_serving(gateway: Served) -> None:
    """Note that `gateway` serves in this process from now on."""
    _serving.append(gateway)


def end_serving(gateway: Served) -> None:
    """Note that `gateway` serves no longer."""
    if gateway in _serving:
        _serving.remove(gateway)


def serving() -> Served | None:
    """The gateway that serves in this process; None if it is another server, or a command."""
    return _serving[-1] if _serving else None


@contextmanager
def serving_by(gateway: Served) -> Iterator[None]:
    """In this block, `gateway` serves."""
    begin_serving(gateway)
    try:
        yield
    finally:
        end_serving(gateway)
