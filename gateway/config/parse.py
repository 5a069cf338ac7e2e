"""`gateway.toml` as frozen, validated models.

Every section is validated by itself, so that one mistake does not hide the others: `parse` returns what is valid
together with every problem found. `load` either returns a whole configuration or raises.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

from gateway.config.health import HealthSettings
from gateway.config.hooks import NAME, Hook, HookConfig, from_environment
from gateway.config.legacy import GatewaySettings, LegacyConfig
from gateway.config.problems import Problem, about_other_shape, problem_of, unreported
from gateway.config.rollout import MirrorSettings, RolloutSettings
from gateway.config.routes import RouteConfig
from gateway.config.salvage import salvage
from gateway.config.section import (
    Section,
)
from gateway.config.services import NAME as SERVICE_NAME
from gateway.config.services import NAMED, ServiceConfig

__all__ = ["Config", "parse"]

LONGEST_SOCKET = 103  # bytes: the longest path of a socket on every system (unix(7))


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration. `source` names the file, for messages."""

    gateway: GatewaySettings
    legacy: LegacyConfig
    services: Mapping[str, ServiceConfig]
    routes: tuple[RouteConfig, ...]
    source: str = "the configuration"
    rollout: RolloutSettings = field(default_factory=RolloutSettings)
    mirror: MirrorSettings = field(default_factory=MirrorSettings)
    hooks: tuple[Hook, ...] = ()
    health: HealthSettings = field(default_factory=HealthSettings)

    @property
    def mirror_socket(self) -> Path | None:
        """The socket of the process that makes mirrors for those that serve; None if each makes its own."""
        socket = self.mirror.socket
        return None if socket is None else Path(self.source).resolve().parent / socket

    @property
    def mirrors_apart(self) -> bool:
        """Whether a server is to start a process for its mirrors: if the file says so, or else if writes are mirrored.
        Not if an operator runs one, at `mirror_socket`."""
        if self.mirror.socket is not None or not self.routes:
            return False
        if self.mirror.process is not None:
            return self.mirror.process
        return any(route.mirrored_writes for route in self.routes)


SectionT = TypeVar("SectionT", bound=Section)


def parse(document: Mapping[str, Any], source: str = "the configuration") -> tuple[Config, list[Problem]]:
    """The valid parts of `document`, and everything that is invalid."""
    problems: list[Problem] = []
    known = ("gateway", "legacy", "services", "routes", "rollout", "mirror", "hooks", "health")
    problems += [
        Problem(key, None, f"unknown table; known are {', '.join(known)}") for key in document if key not in known
    ]
    if "legacy" not in document:
        problems.append(Problem("legacy", None, 'missing; write [legacy] and settings = "mysite.settings"'))
    gateway = _section(GatewaySettings, document.get("gateway", {}), "gateway", problems)
    legacy = _section(LegacyConfig, document.get("legacy", {}), "legacy", problems)
    services = _services(document.get("services", {}), problems)
    routes = _routes(document.get("routes", []), document.get("services", {}), problems)
    rollout = _section(RolloutSettings, document.get("rollout", {}), "rollout", problems)
    mirror = _section(MirrorSettings, document.get("mirror", {}), "mirror", problems)
    health = _section(HealthSettings, document.get("health", {}), "health", problems)
    hooks = _hooks(document.get("hooks", {}), routes, problems)
    config = Config(
        gateway or GatewaySettings.model_validate({}),
        legacy or LegacyConfig.model_validate({}),
        services,
        tuple(route.with_hooks(hooks) for route in routes),
        source,
        rollout or RolloutSettings(),
        mirror or MirrorSettings(),
        hooks,
        health or HealthSettings(),
    )
    return config, problems + unreported(_across(config), problems)


def _across(config: Config) -> list[Problem]:
    """Problems between tables."""
    problems = []
    socket = config.mirror_socket
    if socket is not None and len(os.fsencode(socket)) > LONGEST_SOCKET:
        expected = f"a path of {LONGEST_SOCKET} bytes at most, with the folder that it is relative to"
        problems.append(Problem("mirror.socket", str(socket), expected))
    if socket is not None and config.mirror.process:
        expected = "left out: `gateway mirrors`, which you start, makes all mirrors where there is a `socket`"
        problems.append(Problem("mirror.process", True, expected, ("mirror.socket",)))
    groups: dict[str, RouteConfig] = {}
    for route in config.routes:
        key = f"routes[{route.name}]"
        problems += _written_for_good(config, route)
        if route.pin and not config.rollout.cookie:
            expected = 'a cookie to keep it in: write [rollout] and cookie = "gateway"'
            problems.append(Problem(f"{key}.pin", route.pin, expected, ("rollout.cookie",)))
        first = groups.setdefault(route.group or route.name, route)
        if first.key != route.key:
            expected = f"{first.key!r}, as route {first.name!r} of the same group, or they would not flip together"
            needs = (f"{key}.group", f"routes[{first.name}].key", f"routes[{first.name}].group")
            problems.append(Problem(f"{key}.key", route.key, expected, needs))
    return problems


def _written_for_good(config: Config, route: RouteConfig) -> Iterator[Problem]:
    """Mirrored writes that would not be rolled back."""
    if not (methods := route.mirrored_writes):
        return
    key, without = f"routes[{route.name}].mirror.methods", f"or leave {', '.join(methods)} out"
    if config.legacy.wsgi is not None:
        expected = f"no writes with [legacy] wsgi, which nothing rolls back: use [legacy] settings, {without}"
        yield Problem(key, list(methods), expected, ("legacy.wsgi",))
    service = config.services.get(route.service)
    if service is not None and service.url is not None and not service.rolls_back:
        expected = (
            f"no writes while {route.service!r} is at a url, where nothing rolls them back: let it roll back what "
            f"comes with X-Gateway-Mirror: 1 and say so, [services.{route.service}] rolls_back = true, {without}"
        )
        needs = (
            f"routes[{route.name}].service",
            f"services.{route.service}.url",
            f"services.{route.service}.rolls_back",
        )
        yield Problem(key, list(methods), expected, needs)


def _services(tables: object, problems: list[Problem]) -> dict[str, ServiceConfig]:
    if not isinstance(tables, dict):
        problems.append(Problem("services", tables, "a table for each service: [services.NAME]"))
        return {}
    services = {}
    for name, table in tables.items():
        if not SERVICE_NAME.fullmatch(name):
            problems.append(Problem(f"services.{name}", None, NAMED))
        elif (service := _section(ServiceConfig, table, f"services.{name}", problems)) is not None:
            services[name] = service
    return services


# Keys of a hook whose values may be shown. The others are keys to other systems, or may be, misspelt.
_SHOWN = ("call", "format", "events", "timeout", "on_error", "routes")


def _hooks(tables: object, routes: Sequence[RouteConfig], problems: list[Problem]) -> tuple[Hook, ...]:
    if not isinstance(tables, dict):
        problems.append(Problem("hooks", None, "a table for each hook: [hooks.NAME]"))
        return ()
    sure = not any(problem.key.startswith("routes") for problem in problems)
    hooks = []
    for name, table in tables.items():
        key = f"hooks.{name}"
        found: list[Problem] = []
        if not NAME.fullmatch(name):
            expected = "a table [hooks.NAME], whose name is of small letters, digits and -, 50 at most"
            found.append(Problem(key, None, expected))
        elif (config := _section(HookConfig, _with_environment(name, table), key, found)) is not None:
            hooks.append(config.hook(name))
            found += _unmatched(key, config, routes) if sure else []
        problems += [one if one.key.rpartition(".")[2] in _SHOWN else replace(one, value=None) for one in found]
    return tuple(hooks)


def _with_environment(name: str, table: object) -> object:
    return from_environment(name, table, os.environ) if isinstance(table, dict) else table


def _unmatched(key: str, config: HookConfig, routes: Sequence[RouteConfig]) -> Iterator[Problem]:
    """Patterns that are for no route."""
    for pattern in config.routes:
        if pattern != "*" and not any(fnmatchcase(route.name, pattern) for route in routes):
            names = ", ".join(route.name for route in routes) or "none is declared"
            yield Problem(f"{key}.routes", pattern, f"the name of a route, or a pattern that one matches ({names})")


# The keys that decide what a route claims: if one of them is wrong, the route is left out.
_CLAIM = ("name", "prefix", "path", "methods", "service", "claim")


def _routes(tables: object, services: object, problems: list[Problem]) -> tuple[RouteConfig, ...]:
    if not isinstance(tables, list):
        problems.append(Problem("routes", tables, "a list of tables: [[routes]]"))
        return ()
    routes: dict[str, RouteConfig] = {}
    for index, table in enumerate(tables):
        name = table.get("name", index) if isinstance(table, dict) else index
        key = f"routes[{name}]"
        before = len(problems)
        route = _section(RouteConfig, table, key, problems)
        given = table.get("service") if isinstance(table, dict) else None
        if isinstance(given, str) and isinstance(services, dict) and given not in services:
            names = ", ".join(services) or "none is declared"
            problems.append(Problem(f"{key}.service", given, f"a declared service ({names})"))
        if isinstance(name, str) and name in routes:
            problems.append(Problem(f"{key}.name", name, "a name of its own; another route has it"))
        elif route is not None and unreported(_claimed(key), problems[before:]) == _claimed(key):
            routes[route.name] = route
    return tuple(routes.values())


def _claimed(key: str) -> list[Problem]:
    """Problems that what the route of this key claims could have caused."""
    return [Problem(f"{key}.{name}", None, "") for name in _CLAIM]


def _section(model: type[SectionT], table: object, key: str, problems: list[Problem]) -> SectionT | None:
    """The valid part of `table`; the rest is added to `problems`. None if it is no table, or useless without the
    rest."""
    if not isinstance(table, dict):
        problems.append(Problem(key, table, "a table"))
        return None
    section, found, _ = salvage(model, table)
    errors = [error for error in found if not about_other_shape(error)]
    kept: dict[tuple[str, str], Problem] = {}
    for problem in (problem_of(model, key, error) for error in errors):
        # For a value of a union, Pydantic reports an error for each member.
        kept.setdefault((problem.key, problem.expected if problem.value is None else repr(problem.value)), problem)
    problems += kept.values()
    return section
