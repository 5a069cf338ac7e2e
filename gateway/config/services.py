"""Services: `[services.NAME]` and its tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, field_validator

from gateway.config.salvage import KeyConflict
from gateway.config.section import IMPORT_STRING, ImportString, Seconds, Section

__all__ = ["BREAKER", "NAME", "NAMED", "BreakerConfig", "BreakerSettings", "ServiceConfig"]

NAME = re.compile(r"(?!legacy$)[A-Za-z0-9][\w-]*")
NAMED = 'a name of letters, digits, - and _, other than "legacy"'


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a circuit breaker opens, and for how long. Raises ValueError for impossible numbers.

    It opens when, within `window` seconds, at least `minimum` requests ended and a share of at least `failure_rate` of
    them failed: the defaults of YARP's TransportFailureRate policy. It stays open for `cooldown` seconds, and twice as
    long each time it opens again, up to `max_cooldown`, which is Envoy's `max_ejection_time`. The doubling starts over
    once the breaker has been closed for as long as it was last open, and for at least one window.
    """

    window: float = 60.0
    minimum: int = 10
    failure_rate: float = 0.3
    cooldown: float = 5.0
    max_cooldown: float = 300.0

    def __post_init__(self) -> None:
        if self.window <= 0 or self.minimum < 1 or not 0 < self.failure_rate <= 1:
            raise ValueError(f"window > 0, minimum ≥ 1 and 0 < failure_rate ≤ 1, not {self}")
        if not 0 < self.cooldown <= self.max_cooldown:
            raise ValueError(f"0 < cooldown ≤ max_cooldown, not {self}")


BREAKER = BreakerSettings()


class BreakerConfig(Section):
    """`[services.NAME.breaker]`: when the service's circuit breaker opens, and for how long. The defaults are those of
    `BreakerSettings`."""

    window: Seconds = Field(BREAKER.window, description="seconds over which requests are counted")
    minimum: int = Field(BREAKER.minimum, ge=1, description="requests in the window before it can open, 1 or more")
    failure_rate: float = Field(
        BREAKER.failure_rate, gt=0, le=1, description="the share of failures that opens it, above 0, at most 1"
    )
    cooldown: Seconds = Field(
        BREAKER.cooldown, description="seconds that it stays open; twice as long each time it opens again"
    )
    max_cooldown: Seconds = Field(BREAKER.max_cooldown, description="the longest cool-down in seconds")

    def conflicts(self) -> Iterator[KeyConflict]:
        """As in Section."""
        if self.cooldown > self.max_cooldown:
            yield KeyConflict(
                f"cooldown {self.cooldown:g} is longer than max_cooldown, {self.max_cooldown:g}",
                "max_cooldown",
                "cooldown",
            )


class ServiceConfig(Section):
    """`[services.NAME]`: a FastAPI or other ASGI application in this process, or a remote HTTP server."""

    app: ImportString | None = Field(None, description=IMPORT_STRING)
    url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?$",
        description='"http://host:port", with a path if it has one',
    )
    middleware: Literal["django", "none"] | tuple[str, ...] = Field(
        "django",
        description='"django": all of the project\'s MIDDLEWARE runs around this service (default); "none"; or a list '
        "of entries",
    )
    answers: Literal["plain", "drf", "django"] = Field(
        "plain",
        description='"plain": as FastAPI answers; "drf": as the project\'s Django REST framework; "django": as Django '
        "itself",
    )
    release: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="the deployed version; default: GATEWAY_RELEASE in the environment, else a hash of its code",
    )
    one_thread: bool = Field(
        False, description="each request keeps one thread, for middleware that leaves state on the connection"
    )
    threads: int | None = Field(
        None, ge=1, le=1000, description="threads for its synchronous code, 1 to 1000; only this service uses them"
    )
    queue: int = Field(1000, ge=1, description="how many requests may wait for one of its threads, 1 or more")
    rolls_back: bool = Field(
        False, description="in a mirror, the service rolls back its own writes outside of Django's connections"
    )
    timeout: Seconds = Field(30.0, description="seconds until the service has to start its answer")
    concurrency: int | None = Field(None, ge=1, description="how many requests it answers at once, 1 or more")
    breaker: BreakerConfig | Literal[False] = Field(
        BreakerConfig(),
        description="when the service gets no requests for a while: a table [services.NAME.breaker], or false",
    )
    max_body: int | None = Field(
        None, ge=0, description="the largest request body in bytes; a larger one is answered 413"
    )

    @field_validator("middleware", mode="before")
    @classmethod
    def _entries(cls, value: object) -> object:
        if isinstance(value, (list, tuple)) and any(not isinstance(entry, str) for entry in value):
            raise ValueError("a list of entries of settings.MIDDLEWARE")
        return value

    def conflicts(self) -> Iterator[KeyConflict]:
        """As in Section."""
        if (self.app is None) == (self.url is None):
            expected = 'exactly one of app = "package.module:attribute" and url = "http://host:port"'
            yield KeyConflict(expected, "app", "url")
        if self.url is not None and "middleware" in self.model_fields_set:
            yield KeyConflict("middleware goes with app; a service at url runs its own", "url", "middleware")
        if self.url is not None and self.model_fields_set & {"threads", "queue"}:
            yield KeyConflict("threads and queue go with app; a service at url has its own", "url", "threads", "queue")
        if self.answers != "plain" and (self.url is not None or self.middleware == "none"):
            expected = f'answers = "{self.answers}" goes with app and middleware = "django" (or a list)'
            yield KeyConflict(expected, "url", "middleware", "answers")
