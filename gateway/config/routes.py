"""Routes: `[[routes]]` and its tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, PrivateAttr, field_validator

from gateway.config.compare import CompareConfig
from gateway.config.guard import GuardConfig
from gateway.config.hooks import Hook
from gateway.config.salvage import KeyConflict
from gateway.config.section import METHODS, READING, SAFE, Percent, Seconds, Section, known_methods

__all__ = ["FallbackConfig", "MirrorConfig", "RouteConfig"]


HOST = re.compile(r"\*|/.+|[\w.-]+|[0-9A-Fa-f]*(:[0-9A-Fa-f.]*){2,}(%\w+)?")  # a name, an address, or a path

KEY = re.compile(r"user|session|client|none|header:[A-Za-z][A-Za-z0-9-]*|cookie:[!#$%&'*+.^_`|~0-9A-Za-z-]+")

ALWAYS = re.compile(r"staff|signed-header|group:.+")


class MirrorConfig(Section):
    """`[routes.mirror]`: which requests of a route are also sent to the other upstream, and compared."""

    shadow: Percent = Field(100.0, description="percent of the requests at stage shadow")
    canary: Percent = Field(10.0, description="percent of the requests at stage canary, both ways")
    live: Percent = Field(1.0, description="percent of the requests at stage live, to legacy")
    methods: tuple[str, ...] = Field(SAFE, description='the methods that are mirrored; default: ["GET", "HEAD"]')
    control: Percent = Field(1.0, description="percent of the mirrored requests for which legacy is called twice")
    max_body: int = Field(2**20, ge=0, description="bytes; a request or an answer that is larger is not compared")
    timeout: Seconds = Field(10.0, description="seconds that a mirror may take")
    hosts: tuple[str, ...] = Field(
        (), description='what a mirror may connect to: names, addresses and paths of sockets, or ["*"] for anything'
    )

    @field_validator("hosts")
    @classmethod
    def _bare(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not HOST.fullmatch(host) for host in value):
            raise ValueError('a list of names such as "api.example.com", without scheme and port; "*" is for anything')
        return tuple(host if host.startswith("/") else host.lower() for host in value)

    @field_validator("methods")
    @classmethod
    def _known_methods(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return known_methods(value, [method for method in METHODS if method != "WEBSOCKET"])


class FallbackConfig(Section):
    """`[routes.fallback]`: when legacy answers after the service failed."""

    statuses: tuple[Annotated[int, Field(ge=500, le=599)], ...] = Field(
        (502, 503, 504), description="statuses, 500 to 599, that count as a failure"
    )
    unsafe: bool = Field(
        False, description="methods other than GET and HEAD too, if the endpoint is marked with all_in_transaction"
    )
    max_body: int = Field(2**20, ge=0, description="bytes of a request's body that are kept for the fallback")


class RouteConfig(Section):
    """`[[routes]]`: a rule that claims requests for a service, and the stage of its rollout."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][\w.-]{0,199}$", description="letters, digits, dot, dash and underscore, at most 200"
    )
    prefix: str | None = Field(
        None, description='a path or a template such as "/api/shops/{shop}/products", and everything below it'
    )
    path: str | None = Field(None, description='one path, or a template such as "/api/products/{id}/"')
    methods: tuple[str, ...] | None = Field(None, description='such as ["GET", "POST"]; default: every method')
    service: str
    claim: Literal["implemented", "all"] = "implemented"
    exclude: tuple[str, ...] = Field(
        (), description='paths and templates that stay with Django, such as ["/api/articles/feed/"]'
    )
    stage: Literal["legacy", "shadow", "canary", "live", "retired"] = "live"
    weight: Percent | None = Field(None, description="percent of the callers that the service answers at stage canary")
    key: str = Field("user", description="what tells callers apart: user, session, header:X, cookie:X, client or none")
    group: str | None = Field(None, min_length=1, description="routes with the same group take the same callers")
    pin: Literal["first-write"] | None = Field(
        None, description='"first-write": a caller stays on the side that it first wrote to'
    )
    always: tuple[str, ...] = Field(
        (), description='callers who always get the service: "staff", "group:NAME", "signed-header"'
    )
    steps: tuple[Percent, ...] = Field((1.0, 5.0, 25.0, 50.0, 100.0), description="the weights of a canary, rising")
    interval: Seconds | None = Field(
        None, description="seconds after which a healthy canary takes its next step automatically; default: never"
    )
    fallback: FallbackConfig | Literal[False] = Field(
        FallbackConfig(), description="a table [routes.fallback], or false: legacy never answers for the service"
    )
    mirror: MirrorConfig = MirrorConfig()
    compare: CompareConfig = CompareConfig()
    guard: GuardConfig | Literal[False] = Field(
        GuardConfig(),
        description="when the route is rolled back automatically: a table [routes.guard], or false for never",
    )
    _hooks: tuple[Hook, ...] = PrivateAttr(())  # of [hooks], not of this table

    @field_validator("methods", mode="before")
    @classmethod
    def _known_methods(cls, value: object) -> object:
        return known_methods(value, METHODS) if isinstance(value, (list, tuple)) else value

    @field_validator("key")
    @classmethod
    def _known_key(cls, value: str) -> str:
        if not KEY.fullmatch(value):
            raise ValueError("one of user, session, header:NAME, cookie:NAME, client and none")
        return value

    @field_validator("always")
    @classmethod
    def _known_rules(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not ALWAYS.fullmatch(rule) for rule in value):
            raise ValueError('a list of some of "staff", "group:NAME" and "signed-header"')
        return value

    @field_validator("steps")
    @classmethod
    def _rising(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or value[0] <= 0 or any(later <= earlier for earlier, later in pairwise(value)):
            raise ValueError("a list of rising percentages above 0, such as [1, 5, 25, 50, 100]")
        return value

    @field_validator("exclude")
    @classmethod
    def _paths(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not path.startswith("/") or "<" in path for path in value):
            raise ValueError('a list of paths such as "/api/articles/feed/" and templates such as "/api/{name}.json"')
        return value

    @field_validator("prefix", "path")
    @classmethod
    def _absolute(cls, value: str | None) -> str | None:
        if value is not None and (not value.startswith("/") or re.search(r"[?#\s]|//|/\.{1,2}(/|$)", value)):
            raise ValueError("a path that starts with /, without //, . or .. segments, query or spaces")
        return value

    @field_validator("prefix")
    @classmethod
    def _prefix_of_segments(cls, value: str | None) -> str | None:
        if value is not None and re.search(r"[<>*]|{[^}]*:path}", value):
            raise ValueError('a prefix such as "/api/products" or "/api/shops/{shop}/products"')
        return value.rstrip("/") or "/" if value is not None else None

    @field_validator("path")
    @classmethod
    def _template(cls, value: str | None) -> str | None:
        if value is not None and "<" in value:
            raise ValueError('a template with {name} or {name:int}, as FastAPI writes it, not Django\'s "<int:name>"')
        return value

    def conflicts(self) -> Iterator[KeyConflict]:
        """As in Section."""
        if (self.prefix is None) == (self.path is None):
            yield KeyConflict('exactly one of prefix = "/…" and path = "/…"', "prefix", "path")
        if self.weight is not None and self.stage != "canary":
            yield KeyConflict(f'weight goes with stage = "canary", not {self.stage!r}', "stage", "weight")
        if self.pin and self.key == "none":
            expected = 'pin goes with a key that tells callers apart, not with key = "none"'
            yield KeyConflict(expected, "key", "pin")

    @property
    def hooks(self) -> tuple[Hook, ...]:
        """The hooks for its events."""
        return self._hooks

    def with_hooks(self, hooks: Iterable[Hook]) -> Self:
        """The same route with those of `hooks` that are for it."""
        route = self.model_copy()
        route._hooks = tuple(hook for hook in hooks if hook.concerns(route.name))  # noqa: SLF001 - its own copy
        return route

    @property
    def mirrors_nothing(self) -> bool:
        """Whether none of its requests is mirrored at stage shadow, so that nothing is compared there."""
        return self.mirrors_no_method or self.mirror.shadow == 0

    @property
    def mirrors_no_method(self) -> bool:
        """Whether none of its methods is mirrored at any stage."""
        return self.methods is not None and not set(self.methods) & set(self.mirror.methods)

    @property
    def mirrored_writes(self) -> tuple[str, ...]:
        """The mirrored methods that may write."""
        claimed = self.mirror.methods if self.methods is None else self.methods
        return tuple(method for method in self.mirror.methods if method in claimed and method not in READING)
