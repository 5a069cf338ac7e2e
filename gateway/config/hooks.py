"""`[hooks.NAME]`: what is told of changes of routes, and what is asked before a promotion."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from gateway.config.salvage import KeyConflict
from gateway.config.section import ImportString, Section

__all__ = ["AFTER", "BEFORE", "EVENTS", "NAME", "Hook", "HookConfig", "from_environment", "variable"]

BEFORE = "before_promote"  # asked, and may refuse; the others are told
AFTER = ("promote", "rollback", "pause", "resume", "clear", "hold", "breaking_difference", "breaker_open")
EVENTS = (BEFORE, *AFTER)

NAME = re.compile(r"[a-z][a-z0-9-]{0,49}")  # without underscores, so that `variable` is unambiguous
URL = re.compile(r"https?://[^/?#\s]+[^#\s]*")
PREFIX = "whsec_"  # of a secret, as in Standard Webhooks
SHORTEST, LONGEST = 24, 64  # bytes of a secret, as there
MOST_SECRETS = 5
GENERATE = (
    "python -c \"import base64, os; print('whsec_' + base64.b64encode(os.urandom(32)).decode())\" prints a new one"
)


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook at `url`, or a function that `call` names. Neither URL nor secret is in its repr: both may be keys."""

    name: str
    events: frozenset[str]
    url: str | None = field(default=None, repr=False)
    call: str | None = None
    format: str = "json"
    secrets: tuple[bytes, ...] = field(default=(), repr=False)  # requests are signed with each
    timeout: float = 5.0  # seconds
    on_error: str = "refuse"
    routes: tuple[str, ...] = ("*",)

    @property
    def place(self) -> str:
        """What is called, for people: the function, or the URL's scheme and host."""
        if self.url is None:
            return self.call or ""
        url = urlsplit(self.url)
        return f"{url.scheme}://{url.netloc.rpartition('@')[2]}/…"

    def concerns(self, route: str) -> bool:
        """Whether it is for events of this route."""
        return any(fnmatchcase(route, pattern) for pattern in self.routes)


class HookConfig(Section):
    """`[hooks.NAME]`."""

    url: str | None = Field(None, repr=False, description='"https://host/path", to which events are posted')
    call: ImportString | None = Field(None, description='"package.module:function", which gets each event')
    format: Literal["json", "slack"] = Field("json", description='"json", or "slack": a text, as Slack takes it')
    events: tuple[Literal[EVENTS], ...] = Field(  # type: ignore[valid-type] # the names are in one place
        AFTER, description=f"a list of some of {', '.join(EVENTS)}"
    )
    secret: str | tuple[str, ...] | None = Field(
        None, repr=False, description=f'"{PREFIX}…", a key in base 64, or a list of a new one and old ones'
    )
    timeout: float = Field(5.0, gt=0, le=30, description="seconds that a call may take, above 0, at most 30")
    on_error: Literal["refuse", "allow"] = Field(
        "refuse", description='"refuse" or "allow": what becomes of a promotion if this hook does not answer'
    )
    routes: tuple[str, ...] = Field(("*",), description='names of routes, or patterns such as ["shop-*"]')

    @field_validator("events", "routes")
    @classmethod
    def _some(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("a list of one or more; leave the key out for all")
        return value

    @field_validator("url")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        try:
            valid = value is None or (URL.fullmatch(value) and urlsplit(value).hostname and urlsplit(value).port != 0)
        except ValueError:
            valid = False
        if not valid:
            raise ValueError('a URL that begins with "http://" or "https://", without spaces and without a fragment')
        return value

    @field_validator("secret")
    @classmethod
    def _secret(cls, value: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        if value is None:
            return None
        keys = _keys(value)
        if not 1 <= len(keys) <= MOST_SECRETS or not all(SHORTEST <= len(key) <= LONGEST for key in keys):
            raise ValueError(
                f'"{PREFIX}" and {SHORTEST} to {LONGEST} bytes in base 64, or up to {MOST_SECRETS} of them; {GENERATE}'
            )
        return value

    def conflicts(self) -> Iterator[KeyConflict]:
        """As in Section."""
        if (self.url is None) == (self.call is None):
            yield KeyConflict('exactly one of url = "https://…" and call = "package.module:function"', "url", "call")
        elif self.call is not None and self.model_fields_set & {"format", "secret"}:
            yield KeyConflict("format and secret go with url, not with call", "call", "format", "secret")
        if self.format == "slack" and BEFORE in self.events:
            expected = f'no "{BEFORE}" with format = "slack": Slack answers 200 to everything, and so refuses nothing'
            yield KeyConflict(expected, "format", "events")
        if self.format == "slack" and self.secret is not None:
            yield KeyConflict('no secret with format = "slack": Slack checks no signature', "format", "secret")

    def hook(self, name: str) -> Hook:
        """The form that is used."""
        return Hook(
            name,
            frozenset(self.events),
            self.url,
            self.call,
            self.format,
            _keys(self.secret or ()),
            self.timeout,
            self.on_error,
            self.routes,
        )


def variable(name: str, key: str) -> str:
    """The environment variable with the `key`, url or secret, of the hook of this name."""
    return f"GATEWAY_HOOK_{name.replace('-', '_')}_{key}".upper()


def from_environment(name: str, table: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """`table` with the URL and the secret that the environment has, where the file has none."""
    found = {key: environment.get(variable(name, key)) for key in ("url", "secret")}
    if "call" in table:
        return {**table}
    return {key: value for key, value in found.items() if value} | {**table}


def _keys(secret: str | tuple[str, ...]) -> tuple[bytes, ...]:
    """The bytes of each secret. In the environment, several are separated by spaces."""
    return tuple(map(_key, secret.split() if isinstance(secret, str) else secret))


def _key(secret: str) -> bytes:
    """The bytes of a secret; none for one that is none."""
    try:
        return b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else b""
    except ValueError:
        return b""
